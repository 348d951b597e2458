package guestinfo_test

import (
	"testing"

	"github.com/sigma/vmw-guestinfo/rpcvmx"
	"github.com/sigma/vmw-guestinfo/vmcheck"
)

func TestNeverAGuest(t *testing.T) {
	if vmcheck.IsVirtualWorld() {
		t.Error("a lab's machine is taken for a VMware guest")
	}
	if got, err := rpcvmx.NewConfig().String("hostname", "default"); err == nil || got != "default" {
		t.Errorf("String = %q, %v; want the default and an error", got, err)
	}
}
