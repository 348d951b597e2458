// update-engine stands in for Container Linux's update engine, whose server and partitions a lab does not have. It
// answers on the system bus as com.coreos.update1 and says that there is nothing to do, until it is told that an update
// is there; then it asks for a reboot, as the real one did, and locksmithd takes the cluster's lock and reboots the node.
//
//	update-engine                       serves the bus
//	update_engine_client -status        prints the status
//	update_engine_client -update        makes an update be there
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/godbus/dbus/v5"
)

const (
	busName   = "com.coreos.update1"
	busPath   = dbus.ObjectPath("/com/coreos/update1")
	busMember = "com.coreos.update1.Manager"
	stateFile = "/run/update-engine.version"
)

// manager is the object on the bus; its exported methods are the interface's.
type manager struct {
	conn  *dbus.Conn
	store store
}

// GetStatus answers with the five fields of status.
func (m manager) GetStatus() (int64, float64, string, string, int64, *dbus.Error) {
	s, err := m.store.load()
	if err != nil {
		return 0, 0, "", "", 0, dbus.MakeFailedError(err)
	}
	return s.lastChecked, s.progress, s.operation, s.version, s.size, nil
}

func main() {
	if err := run(filepath.Base(os.Args[0])); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(name string) error {
	conn, err := dbus.ConnectSystemBus()
	if err != nil {
		return fmt.Errorf("system bus: %w", err)
	}
	defer conn.Close()
	if name == "update_engine_client" {
		return client(conn)
	}
	return serve(conn)
}

func client(conn *dbus.Conn) error {
	show := flag.Bool("status", false, "print the status")
	update := flag.Bool("update", false, "make an update be there; the node asks for a reboot")
	flag.Parse()
	object := conn.Object(busName, busPath)
	if *update {
		if err := object.Call(busMember+".AttemptUpdate", 0).Err; err != nil {
			return err
		}
	}
	if *show || !*update {
		var s status
		call := object.Call(busMember+".GetStatus", 0)
		if err := call.Store(&s.lastChecked, &s.progress, &s.operation, &s.version, &s.size); err != nil {
			return err
		}
		fmt.Println(s)
	}
	return nil
}
