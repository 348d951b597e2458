module github.com/coreos/go-systemd

go 1.26.0

require github.com/coreos/go-systemd/v22 v22.5.0

require github.com/godbus/dbus/v5 v5.0.4 // indirect
