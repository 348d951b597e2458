package ovf

import "testing"

func TestUnreadableHasNoProperties(t *testing.T) {
	if env := ReadEnvironment([]byte("no XML")); env == nil || len(env.Properties) != 0 {
		t.Errorf("ReadEnvironment = %+v; want an empty environment", env)
	}
}
