package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// The words that Container Linux's update engine used on the bus.
const (
	idle       = "UPDATE_STATUS_IDLE"
	needReboot = "UPDATE_STATUS_UPDATED_NEED_REBOOT"
)

// status is what GetStatus answers and StatusUpdate carries, field by field in this order.
type status struct {
	lastChecked int64 // seconds since the epoch
	progress    float64
	operation   string
	version     string
	size        int64
}

// store keeps one fact: that an update waits for a reboot. Its file lies in /run, which a reboot empties: a machine
// that has rebooted is up to date.
type store struct{ path string }

func (s store) load() (status, error) {
	version, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return status{operation: idle, version: "0.0.0.0"}, nil
	}
	if err != nil {
		return status{}, err
	}
	info, err := os.Stat(s.path)
	if err != nil {
		return status{}, err
	}
	return status{info.ModTime().Unix(), 1, needReboot, strings.TrimSpace(string(version)), 0}, nil
}

// attempt pretends that an update was found, fetched and written to the other partition.
func (s store) attempt(now time.Time) (status, error) {
	if err := os.WriteFile(s.path, []byte(now.UTC().Format("2006.1.2")), 0o644); err != nil {
		return status{}, err
	}
	return s.load()
}

func (s status) String() string {
	return fmt.Sprintf("LAST_CHECKED_TIME=%d\nPROGRESS=%f\nCURRENT_OP=%s\nNEW_VERSION=%s\nNEW_SIZE=%d",
		s.lastChecked, s.progress, s.operation, s.version, s.size)
}
