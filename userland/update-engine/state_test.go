package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestIdleUntilAnUpdateIsAttempted(t *testing.T) {
	s := store{filepath.Join(t.TempDir(), "update")}
	if got, err := s.load(); err != nil || got.operation != idle {
		t.Fatalf("before: %+v, %v", got, err)
	}
	if got, err := s.attempt(time.Now()); err != nil || got.operation != needReboot {
		t.Fatalf("attempt: %+v, %v", got, err)
	}
	if got, err := s.load(); err != nil || got.operation != needReboot || got.lastChecked == 0 {
		t.Fatalf("after: %+v, %v", got, err)
	}
}

func TestARebootMakesItIdleAgain(t *testing.T) {
	s := store{filepath.Join(t.TempDir(), "update")}
	if _, err := s.attempt(time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(s.path); err != nil { // what a reboot does to /run
		t.Fatal(err)
	}
	if got, err := s.load(); err != nil || got.operation != idle {
		t.Fatalf("after a reboot: %+v, %v", got, err)
	}
}

func TestNoWhereToWriteIsAnError(t *testing.T) {
	s := store{filepath.Join(t.TempDir(), "none", "update")}
	if _, err := s.attempt(time.Now()); err == nil {
		t.Error("an update was kept in a folder that is not there")
	}
}

func TestStatusIsPrintedAsContainerLinuxDid(t *testing.T) {
	want := "LAST_CHECKED_TIME=0\nPROGRESS=0.000000\nCURRENT_OP=UPDATE_STATUS_IDLE\nNEW_VERSION=0.0.0.0\nNEW_SIZE=0"
	got, err := store{filepath.Join(t.TempDir(), "update")}.load()
	if err != nil || got.String() != want {
		t.Errorf("%v, %v; want %s", got, err, want)
	}
}
