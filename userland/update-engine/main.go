// update-engine stands in for Container Linux's update engine, whose server and partitions a lab does not have. It
// answers on the system bus as com.coreos.update1 and says that there is nothing to do, until it is told that an update
// is there; then it asks for a reboot, as the real one did, and locksmithd takes the cluster's lock and reboots the node.
//
//	update-engine                            serves the bus
//	update_engine_client -status             prints the status
//	update_engine_client -check_for_update   makes an update be there, unless update.conf says SERVER=disabled
//	update_engine_client -update             makes an update be there, and prints the status that comes of it
package main

import (
	"errors"
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

func main() {
	if err := run(filepath.Base(os.Args[0]), os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run is the engine or its client, by the name under which the program was called.
func run(name string, args []string) error {
	do := serve
	if name == "update_engine_client" {
		asked, err := parse(args)
		if err != nil {
			return err
		}
		do = asked.carryOut
	}
	conn, err := dbus.ConnectSystemBus()
	if err != nil {
		return fmt.Errorf("system bus: %w", err)
	}
	defer conn.Close()
	return do(conn)
}
