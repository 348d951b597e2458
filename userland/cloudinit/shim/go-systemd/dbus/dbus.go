// Package dbus gives go-systemd v22 the shape of the 2015 version that coreos-cloudinit was written for, which no
// longer talks to today's systemd. The old calls waited for their job's end; the new ones report it on a channel.
package dbus

import (
	"context"

	sd "github.com/coreos/go-systemd/v22/dbus"
)

type (
	// Property is a property of a transient unit.
	Property = sd.Property
	// EnableUnitFileChange is a link that enabling a unit made or removed.
	EnableUnitFileChange = sd.EnableUnitFileChange
)

var (
	// PropDescription sets a transient unit's description.
	PropDescription = sd.PropDescription
	// PropExecStart sets a transient unit's command.
	PropExecStart = sd.PropExecStart
)

// Conn is a connection to systemd.
type Conn struct{ conn *sd.Conn }

// New connects to systemd over the system bus.
func New() (*Conn, error) {
	conn, err := sd.NewSystemConnectionContext(context.Background())
	return &Conn{conn}, err
}

// EnableUnitFiles enables units by their files.
func (c *Conn) EnableUnitFiles(files []string, runtime, force bool) (bool, []EnableUnitFileChange, error) {
	return c.conn.EnableUnitFilesContext(context.Background(), files, runtime, force)
}

// Reload makes systemd read its unit files again.
func (c *Conn) Reload() error { return c.conn.ReloadContext(context.Background()) }

type job func(ctx context.Context, name, mode string, ended chan<- string) (int, error)

// wait starts a job and returns its result: done, failed, canceled, timeout, dependency or skipped.
func wait(start job, name, mode string) (string, error) {
	ended := make(chan string, 1)
	if _, err := start(context.Background(), name, mode, ended); err != nil {
		return "", err
	}
	return <-ended, nil
}

// StartUnit starts a unit and waits for the end of its job.
func (c *Conn) StartUnit(name, mode string) (string, error) {
	return wait(c.conn.StartUnitContext, name, mode)
}

// StopUnit stops a unit and waits for the end of its job.
func (c *Conn) StopUnit(name, mode string) (string, error) {
	return wait(c.conn.StopUnitContext, name, mode)
}

// RestartUnit restarts a unit and waits for the end of its job.
func (c *Conn) RestartUnit(name, mode string) (string, error) {
	return wait(c.conn.RestartUnitContext, name, mode)
}

// ReloadUnit reloads a unit and waits for the end of its job.
func (c *Conn) ReloadUnit(name, mode string) (string, error) {
	return wait(c.conn.ReloadUnitContext, name, mode)
}

// TryRestartUnit restarts a unit if it runs, and waits for the end of its job.
func (c *Conn) TryRestartUnit(name, mode string) (string, error) {
	return wait(c.conn.TryRestartUnitContext, name, mode)
}

// ReloadOrRestartUnit reloads a unit that can, else restarts it, and waits for the end of its job.
func (c *Conn) ReloadOrRestartUnit(name, mode string) (string, error) {
	return wait(c.conn.ReloadOrRestartUnitContext, name, mode)
}

// ReloadOrTryRestartUnit does the same to a unit that runs.
func (c *Conn) ReloadOrTryRestartUnit(name, mode string) (string, error) {
	return wait(c.conn.ReloadOrTryRestartUnitContext, name, mode)
}

// StartTransientUnit makes and starts a unit that has no file, and waits for the end of its job.
func (c *Conn) StartTransientUnit(name, mode string, properties ...Property) (string, error) {
	start := func(ctx context.Context, name, mode string, ended chan<- string) (int, error) {
		return c.conn.StartTransientUnitContext(ctx, name, mode, properties, ended)
	}
	return wait(start, name, mode)
}
