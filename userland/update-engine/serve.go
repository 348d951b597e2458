package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/godbus/dbus/v5"
)

// The engine looks by itself this often, and not all machines of a cluster at the same moment. Container Linux's engine
// waits three quarters of an hour.
const (
	interval = 50 * time.Second
	fuzz     = 20 * time.Second
)

// manager is the object on the bus; its exported methods are the interface's.
type manager struct{ engine *engine }

// GetStatus answers with the five fields of status.
func (m manager) GetStatus() (int64, float64, string, string, int64, *dbus.Error) {
	s, err := m.engine.status()
	if err != nil {
		return 0, 0, "", "", 0, dbus.MakeFailedError(err)
	}
	return s.lastChecked, s.progress, s.operation, s.version, s.size, nil
}

// AttemptUpdate asks the server and installs what it offers.
func (m manager) AttemptUpdate() *dbus.Error {
	_, err := m.CheckForUpdate()
	return err
}

// CheckForUpdate does the same and answers why there is nothing to install: "" after an update.
func (m manager) CheckForUpdate() (string, *dbus.Error) {
	why, err := m.engine.attempt(true)
	if err != nil {
		return "", dbus.MakeFailedError(err)
	}
	return why, nil
}

// ResetStatus calls off an update that waits for its reboot.
func (m manager) ResetStatus() *dbus.Error {
	if err := m.engine.reset(); err != nil {
		return dbus.MakeFailedError(err)
	}
	return nil
}

func serve(conn *dbus.Conn) error {
	e := &engine{slots: slotsFile, files: configuration}
	e.tell = func(s status) {
		// Whoever listens asks for the status first; one who hears nothing finds the same there.
		_ = conn.Emit(busPath, busMember+".StatusUpdate", s.lastChecked, s.progress, s.operation, s.version, s.size)
	}
	if err := conn.Export(manager{e}, busPath, busMember); err != nil {
		return err
	}
	reply, err := conn.RequestName(busName, dbus.NameFlagDoNotQueue)
	if err != nil {
		return err
	}
	if reply != dbus.RequestNameReplyPrimaryOwner {
		return fmt.Errorf("%s: somebody else has that name on the bus", busName)
	}
	if err := e.markGood(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	go look(e)
	<-conn.Context().Done() // the bus is gone, and so are we
	return conn.Context().Err()
}

// look asks the server again and again; it says what is wrong when that changes.
func look(e *engine) {
	said := ""
	for {
		time.Sleep(interval + rand.N(fuzz))
		why, err := e.attempt(false)
		if err != nil {
			why = err.Error()
		}
		if why != said {
			fmt.Fprintln(os.Stderr, why)
		}
		said = why
	}
}
