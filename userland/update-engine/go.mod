module coreos-lab/userland/update-engine

go 1.26.0

require github.com/godbus/dbus/v5 v5.1.0
