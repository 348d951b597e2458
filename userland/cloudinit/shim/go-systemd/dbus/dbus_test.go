package dbus

import (
	"context"
	"errors"
	"testing"
)

func TestWaitReturnsTheJobsResult(t *testing.T) {
	start := func(_ context.Context, name, mode string, ended chan<- string) (int, error) {
		if name != "a.service" || mode != "replace" {
			t.Errorf("job for %s in mode %s", name, mode)
		}
		go func() { ended <- "done" }()
		return 1, nil
	}
	if got, err := wait(start, "a.service", "replace"); err != nil || got != "done" {
		t.Errorf("wait = %q, %v", got, err)
	}
}

func TestWaitPassesTheErrorOn(t *testing.T) {
	refused := errors.New("no such unit")
	start := func(context.Context, string, string, chan<- string) (int, error) { return 0, refused }
	if _, err := wait(start, "a.service", "replace"); !errors.Is(err, refused) {
		t.Errorf("wait: %v; want %v", err, refused)
	}
}
