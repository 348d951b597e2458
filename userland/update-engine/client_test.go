package main

import "testing"

func TestFlagsWithOneDashAndWithTwo(t *testing.T) {
	for args, want := range map[string]request{
		"-status":            {show: true},
		"--status":           {show: true},
		"-update":            {update: true, show: true},
		"-reset_status":      {reset: true},
		"--update":           {update: true, show: true},
		"-check_for_update":  {check: true},
		"--check_for_update": {check: true},
	} {
		if got, err := parse([]string{args}); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", args, got, err, want)
		}
	}
}

func TestNothingToDoIsAnError(t *testing.T) {
	for _, args := range [][]string{{}, {"status"}, {"-status", "now"}, {"-no_such_flag"}} {
		if got, err := parse(args); err == nil {
			t.Errorf("%q: %+v; want an error", args, got)
		}
	}
}
