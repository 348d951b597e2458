package main

import (
	"flag"
	"fmt"

	"github.com/godbus/dbus/v5"
)

// request is what the client's flags ask for: a question to the update server, an update whatever that says, and the
// status afterwards.
type request struct{ check, update, show bool }

func parse(args []string) (request, error) {
	flags := flag.NewFlagSet("update_engine_client", flag.ContinueOnError)
	status := flags.Bool("status", false, "print the status")
	check := flags.Bool("check_for_update", false, "ask the update server, unless the configuration has none; the node then asks for a reboot")
	update := flags.Bool("update", false, "make an update be there, without asking the server, and print the status that comes of it")
	if err := flags.Parse(args); err != nil {
		return request{}, err
	}
	asked := request{check: *check, update: *update, show: *status || *update}
	if flags.NArg() > 0 || asked == (request{}) {
		flags.Usage()
		return request{}, fmt.Errorf("update_engine_client: one of the flags is needed, and nothing else")
	}
	return asked, nil
}

func (r request) carryOut(conn *dbus.Conn) error {
	engine := conn.Object(busName, busPath)
	if r.check && !r.update {
		none, err := withoutServer(configuration)
		if err != nil {
			return err
		}
		if none != "" {
			fmt.Printf("No update: SERVER=%s in %s, so no server is asked.\n", disabled, none)
			r.check = false
		}
	}
	if r.check || r.update {
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
	if r.update {
		fmt.Println("Update succeeded -- reboot needed.")
	}
	return nil
}
