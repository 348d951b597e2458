// Command watching tells what flanneld makes of the leases in etcd when it has missed changes: it calls flannel's own watch.
//
// The first argument is the node's own subnet. Each further one is a list of all leases, separated by commas, as etcd gives
// it after a gap. Each event that comes of them is printed in a line.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/flannel-io/flannel/pkg/ip"
	"github.com/flannel-io/flannel/subnet"
	"golang.org/x/net/context"
)

// A manager gives one list of leases after the other.
type manager struct {
	subnet.Manager
	lists []string
}

func (m *manager) WatchLeases(context.Context, interface{}) (subnet.LeaseWatchResult, error) {
	if len(m.lists) == 0 {
		return subnet.LeaseWatchResult{}, context.Canceled
	}
	leases := []subnet.Lease{}
	for _, text := range strings.Split(m.lists[0], ",") {
		leases = append(leases, lease(text))
	}
	m.lists = m.lists[1:]
	return subnet.LeaseWatchResult{Snapshot: leases}, nil
}

func lease(text string) subnet.Lease {
	var network ip.IP4Net
	if err := network.UnmarshalJSON([]byte(`"` + text + `"`)); err != nil {
		panic(err)
	}
	return subnet.Lease{EnableIPv4: true, Subnet: network}
}

func main() {
	own := lease(os.Args[1])
	events := make(chan []subnet.Event)
	go subnet.WatchLeases(context.Background(), &manager{lists: os.Args[2:]}, &own, events)
	for batch := range events {
		for _, event := range batch {
			what := "added"
			if event.Type == subnet.EventRemoved {
				what = "removed"
			}
			fmt.Println(what, event.Lease.Subnet)
		}
	}
}
