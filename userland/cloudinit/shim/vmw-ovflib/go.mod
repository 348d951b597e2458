module github.com/sigma/vmw-ovflib

go 1.26.0

require github.com/vmware/vmw-ovflib v0.0.0-20170608004843-1f217b9dc714

require github.com/smartystreets/goconvey v1.8.1 // indirect
