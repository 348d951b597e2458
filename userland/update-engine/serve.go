package main

import (
	"fmt"
	"time"

	"github.com/godbus/dbus/v5"
)

// manager is the object on the bus; its exported methods are the interface's.
type manager struct {
	conn  *dbus.Conn
	store store
}

// GetStatus answers with the five fields of status.
func (m manager) GetStatus() (int64, float64, string, string, int64, *dbus.Error) {
	s, err := m.store.load()
	if err != nil {
		return 0, 0, "", "", 0, dbus.MakeFailedError(err)
	}
	return s.lastChecked, s.progress, s.operation, s.version, s.size, nil
}

// AttemptUpdate makes an update be there and tells everybody who listens.
func (m manager) AttemptUpdate() *dbus.Error {
	s, err := m.store.attempt(time.Now())
	if err != nil {
		return dbus.MakeFailedError(err)
	}
	err = m.conn.Emit(busPath, busMember+".StatusUpdate", s.lastChecked, s.progress, s.operation, s.version, s.size)
	if err != nil {
		return dbus.MakeFailedError(err)
	}
	return nil
}

func serve(conn *dbus.Conn) error {
	if err := conn.Export(manager{conn, store{stateFile}}, busPath, busMember); err != nil {
		return err
	}
	reply, err := conn.RequestName(busName, dbus.NameFlagDoNotQueue)
	if err != nil {
		return err
	}
	if reply != dbus.RequestNameReplyPrimaryOwner {
		return fmt.Errorf("%s: somebody else has that name on the bus", busName)
	}
	<-conn.Context().Done() // the bus is gone, and so are we
	return conn.Context().Err()
}
