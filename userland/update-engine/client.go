package main

import (
	"flag"
	"fmt"

	"github.com/godbus/dbus/v5"
)

// request is what the client's flags ask for: a question to the update server, and the status afterwards.
type request struct{ check, update, reset, show bool }

func parse(args []string) (request, error) {
	flags := flag.NewFlagSet("update_engine_client", flag.ContinueOnError)
	status := flags.Bool("status", false, "print the status")
	check := flags.Bool("check_for_update", false, "ask the update server now, and install what it offers")
	update := flags.Bool("update", false, "the same, and print the status that comes of it")
	reset := flags.Bool("reset_status", false, "call off an update that waits for its reboot")
	if err := flags.Parse(args); err != nil {
		return request{}, err
	}
	asked := request{check: *check, update: *update, reset: *reset, show: *status || *update}
	if flags.NArg() > 0 || asked == (request{}) {
		flags.Usage()
		return request{}, fmt.Errorf("update_engine_client: one of the flags is needed, and nothing else")
	}
	return asked, nil
}

func (r request) carryOut(conn *dbus.Conn) error {
	engine := conn.Object(busName, busPath)
	if r.reset {
		if err := engine.Call(busMember+".ResetStatus", 0).Err; err != nil {
			return err
		}
	}
	why := ""
	if r.check || r.update {
		if err := engine.Call(busMember+".CheckForUpdate", 0).Store(&why); err != nil {
			return err
		}
		if why != "" {
			fmt.Printf("No update: %s.\n", why)
		}
	}
	if r.show {
		var s status
		answer := engine.Call(busMember+".GetStatus", 0)
		if err := answer.Store(&s.lastChecked, &s.progress, &s.operation, &s.version, &s.size); err != nil {
			return err
		}
		fmt.Println(s)
	}
	if (r.check || r.update) && why == "" {
		fmt.Println("Update succeeded -- reboot needed.")
	}
	return nil
}
