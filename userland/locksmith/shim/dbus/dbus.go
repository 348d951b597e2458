// Package dbus gives godbus v5 the shape of the 2015 version that locksmith and go-systemd's login1 were written for.
// The one difference that matters: Conn.Object returns *Object, as it did before there was an interface for it.
package dbus

import dbus "github.com/godbus/dbus/v5"

type (
	// Auth is a way to tell the bus who we are.
	Auth = dbus.Auth
	// BusObject is anything that can be called.
	BusObject = dbus.BusObject
	// Object is an object of a peer.
	Object = dbus.Object
	// ObjectPath names an object.
	ObjectPath = dbus.ObjectPath
	// Signal is a message that nobody asked for.
	Signal = dbus.Signal
	// UnixFD is a file descriptor that travels in a message.
	UnixFD = dbus.UnixFD
)

// Conn is a connection to a bus.
type Conn struct{ *dbus.Conn }

// Object returns an object of a peer.
func (c *Conn) Object(dest string, path ObjectPath) *Object {
	return c.Conn.Object(dest, path).(*Object)
}

// SystemBusPrivate connects to the system bus, without sharing the connection.
func SystemBusPrivate() (*Conn, error) {
	c, err := dbus.SystemBusPrivate()
	if err != nil {
		return nil, err
	}
	return &Conn{c}, nil
}

// AuthExternal tells who we are by what the kernel says of us.
func AuthExternal(user string) Auth { return dbus.AuthExternal(user) }
