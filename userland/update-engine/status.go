package main

import "fmt"

// The words that Container Linux's update engine used on the bus.
const (
	idle        = "UPDATE_STATUS_IDLE"
	checking    = "UPDATE_STATUS_CHECKING_FOR_UPDATE"
	available   = "UPDATE_STATUS_UPDATE_AVAILABLE"
	downloading = "UPDATE_STATUS_DOWNLOADING"
	finalizing  = "UPDATE_STATUS_FINALIZING"
	needReboot  = "UPDATE_STATUS_UPDATED_NEED_REBOOT"
)

// noVersion is NEW_VERSION where there is none.
const noVersion = "0.0.0.0"

// status is what GetStatus answers and StatusUpdate carries, field by field in this order.
type status struct {
	lastChecked int64 // seconds since the epoch
	progress    float64
	operation   string
	version     string
	size        int64
}

func (s status) String() string {
	return fmt.Sprintf("LAST_CHECKED_TIME=%d\nPROGRESS=%f\nCURRENT_OP=%s\nNEW_VERSION=%s\nNEW_SIZE=%d",
		s.lastChecked, s.progress, s.operation, s.version, s.size)
}
