// update-engine is this project's own: Container Linux's, without the parts that write to block devices. It asks an update
// server by Omaha, Container Linux's protocol, and installs what that offers into the slot that is not in use: the boot
// loader then boots from there. It answers on the system bus as com.coreos.update1 and says that a reboot is needed;
// locksmithd takes the cluster's lock and reboots the node.
//
//	update-engine                            serves the bus, and asks the server about once a minute
//	update_engine_client -status             prints the status
//	update_engine_client -check_for_update   asks the server now, and installs what it offers
//	update_engine_client -update             the same, and prints the status that comes of it
//	update_engine_client -reset_status       calls off an update that waits for its reboot
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
