package main

import (
	"flag"
	"fmt"

	"github.com/godbus/dbus/v5"
)

// request is what the client's flags ask for: an update, and the status afterwards.
type request struct{ attempt, show bool }

func parse(args []string) (request, error) {
	flags := flag.NewFlagSet("update_engine_client", flag.ContinueOnError)
	status := flags.Bool("status", false, "print the status")
	check := flags.Bool("check_for_update", false, "make an update be there; the node asks for a reboot")
	update := flags.Bool("update", false, "the same, and print the status that comes of it")
	if err := flags.Parse(args); err != nil {
		return request{}, err
	}
	asked := request{attempt: *check || *update, show: *status || *update}
	if flags.NArg() > 0 || asked == (request{}) {
		flags.Usage()
		return request{}, fmt.Errorf("update_engine_client: one of the flags is needed, and nothing else")
	}
	return asked, nil
}

func (r request) carryOut(conn *dbus.Conn) error {
	engine := conn.Object(busName, busPath)
	if r.attempt {
		if err := engine.Call(busMember+".AttemptUpdate", 0).Err; err != nil {
			return err
		}
	}
	if !r.show {
		return nil
	}
	var s status
	answer := engine.Call(busMember+".GetStatus", 0)
	if err := answer.Store(&s.lastChecked, &s.progress, &s.operation, &s.version, &s.size); err != nil {
		return err
	}
	fmt.Println(s)
	if r.attempt {
		fmt.Println("Update succeeded -- reboot needed.")
	}
	return nil
}
