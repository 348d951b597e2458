package dbus

import (
	"testing"

	dbus "github.com/godbus/dbus/v5"
)

func TestObjectIsConcrete(t *testing.T) {
	c := &Conn{&dbus.Conn{}}
	if got := c.Object("com.coreos.update1", "/com/coreos/update1").Path(); got != "/com/coreos/update1" {
		t.Errorf("Path = %s", got)
	}
}

func TestNoBusIsAnError(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+t.TempDir()+"/none")
	if c, err := SystemBusPrivate(); err == nil || c != nil {
		t.Errorf("SystemBusPrivate = %v, %v; want an error", c, err)
	}
}
