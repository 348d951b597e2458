module coreos-lab/userland/ct

go 1.26.0

require (
	github.com/ajeddeloh/go-json v0.0.0-20200220154158-5ae607161559
	github.com/coreos/container-linux-config-transpiler v0.9.0
	github.com/coreos/ignition v0.35.0
	github.com/vincent-petithory/dataurl v1.0.0
)

require (
	github.com/ajeddeloh/yaml v0.0.0-20170912190910-6b94386aeefd // indirect
	github.com/alecthomas/units v0.0.0-20240927000941-0f3dac36c52b // indirect
	github.com/coreos/go-semver v0.3.1 // indirect
	github.com/coreos/go-systemd v0.0.0-20191104093116-d3cd4ed1dbcf // indirect
	github.com/stretchr/testify v1.12.1 // indirect
	go4.org v0.0.0-20260112195520-a5071408f32f // indirect
	gopkg.in/check.v1 v1.0.0-20201130134442-10cb98267c6c // indirect
	gopkg.in/yaml.v2 v2.4.0 // indirect
)
