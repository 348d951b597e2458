package main

import (
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// machine is an engine with files of its own, and an update server beside it.
type machine struct {
	*engine
	said   []string // the operations that were told
	asked  omahaRequest
	offers string // the image; "" for none
	pack   string // what the server hands out for it
}

func newMachine(t *testing.T, text string) *machine {
	t.Helper()
	folder := t.TempDir()
	m := &machine{}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	mux.HandleFunc("/v1/update/", func(out http.ResponseWriter, in *http.Request) {
		if err := xml.NewDecoder(in.Body).Decode(&m.asked); err != nil {
			t.Error(err)
		}
		if m.offers == "" || m.offers == m.asked.App.Version {
			fmt.Fprint(out, `<response protocol="3.0"><app><updatecheck status="noupdate"/></app></response>`)
			return
		}
		promised := osRelease(m.offers)
		fmt.Fprintf(out, `<response protocol="3.0"><app><updatecheck status="ok"><urls><url codebase="%s/packages/"/></urls>
			<manifest version="%s"><packages><package name="%s" size="%d" hash_sha256="%x"/></packages></manifest>
			</updatecheck></app></response>`, server.URL, m.offers, m.offers, len(promised), sha256.Sum256([]byte(promised)))
	})
	mux.HandleFunc("/packages/", func(out http.ResponseWriter, in *http.Request) { fmt.Fprint(out, m.pack) })
	conf := write(t, filepath.Join(folder, "update.conf"), "GROUP=beta\nSERVER="+server.URL+"/v1/update/\n")
	m.engine = &engine{slots: write(t, filepath.Join(folder, "slots"), text), files: []string{conf}}
	m.tell = func(s status) { m.said = append(m.said, strings.TrimPrefix(s.operation, "UPDATE_STATUS_")) }
	return m
}

func osRelease(image string) string { return "ID=debian\nIMAGE_VERSION=" + image + "\n" }

func (m *machine) offer(image string) { m.offers, m.pack = image, osRelease(image) }

func TestAnUpdateIsFoundFetchedAndStaged(t *testing.T) {
	m := newMachine(t, fresh)
	m.offer("2222-2")
	if why, err := m.attempt(false); why != "" || err != nil {
		t.Fatalf("%q, %v", why, err)
	}
	if m.asked.App.Version != "1111" || m.asked.App.Track != "beta" || m.asked.App.ID != appID {
		t.Errorf("asked: %+v", m.asked)
	}
	if now, err := m.status(); err != nil || now.operation != needReboot || now.version != "2222-2" || now.lastChecked == 0 {
		t.Errorf("%+v, %v", now, err)
	}
	want := "CHECKING_FOR_UPDATE UPDATE_AVAILABLE DOWNLOADING FINALIZING UPDATED_NEED_REBOOT"
	if got := strings.Join(m.said, " "); got != want {
		t.Errorf("told: %s", got)
	}
	m.said = nil
	if why, err := m.attempt(false); why != "" || err != nil || len(m.said) != 2 {
		t.Errorf("again: %q, %v, %v", why, err, m.said)
	}
}

func TestNothingIsStagedWithoutAnUpdate(t *testing.T) {
	m := newMachine(t, fresh)
	for _, image := range []string{"", "1111"} {
		m.offer(image)
		why, err := m.attempt(true)
		if err != nil || !strings.Contains(why, "nothing else for group beta than 1111") {
			t.Errorf("%q: %q, %v", image, why, err)
		}
	}
	write(t, m.files[0], "SERVER=disabled\n")
	m.offer("2222")
	if why, err := m.attempt(true); err != nil || !strings.HasPrefix(why, "SERVER=disabled in ") {
		t.Errorf("%q, %v", why, err)
	}
	if text, _ := os.ReadFile(m.slots); string(text) != fresh {
		t.Errorf("%s", text)
	}
}

func TestWhatWasNotPromisedIsNotStaged(t *testing.T) {
	for _, pack := range []string{"", osRelease("3333"), osRelease("2222") + "MORE=1\n"} {
		m := newMachine(t, fresh)
		m.offer("2222")
		m.pack = pack
		if _, err := m.attempt(true); err == nil {
			t.Errorf("%q was taken", pack)
		}
		if now, _ := m.status(); now.operation != idle {
			t.Errorf("%q: %s", pack, now.operation)
		}
	}
	for _, name := range []string{"../../etc", "2222/..", "x", "2222-", "22 22"} {
		m := newMachine(t, fresh)
		m.offer(name)
		if _, err := m.attempt(true); err == nil {
			t.Errorf("%q was taken for an image", name)
		}
	}
}

func TestAnUpdateIsCalledOff(t *testing.T) {
	m := newMachine(t, fresh)
	m.offer("2222")
	for _, callOff := range []func() error{
		m.reset,
		func() error { m.offer(""); _, err := m.attempt(false); return err },
	} {
		m.offer("2222")
		if _, err := m.attempt(true); err != nil {
			t.Fatal(err)
		}
		if err := callOff(); err != nil {
			t.Fatal(err)
		}
		if now, err := m.status(); err != nil || now.operation != idle {
			t.Errorf("%+v, %v", now, err)
		}
	}
}

func TestAnImageThatDidNotComeUpIsTriedAgainOnlyOnRequest(t *testing.T) {
	m := newMachine(t, strings.Replace(fresh, "B image= priority=0", "B image=2222 priority=2", 1))
	m.offer("2222")
	if why, err := m.attempt(false); err != nil || !strings.Contains(why, "did not come up") {
		t.Errorf("%q, %v", why, err)
	}
	if why, err := m.attempt(true); err != nil || why != "" {
		t.Errorf("%q, %v", why, err)
	}
	if now, _ := m.status(); now.operation != needReboot {
		t.Errorf("%+v", now)
	}
}

func TestAServerThatIsAwayIsAnErrorAndMachinesWithoutSlotsAskNone(t *testing.T) {
	m := newMachine(t, fresh)
	write(t, m.files[0], "SERVER=http://127.0.0.1:1/\n")
	if _, err := m.attempt(true); err == nil {
		t.Error("no server, and no error")
	}
	m.slots += "-none"
	if _, err := m.attempt(true); err != errNoSlots {
		t.Errorf("%v", err)
	}
	if now, err := m.status(); err != nil || now.operation != idle || m.markGood() != nil {
		t.Errorf("%+v, %v", now, err)
	}
}

func TestABootThatCameUpIsMarkedGood(t *testing.T) {
	m := newMachine(t, strings.Replace(fresh, "successful=1", "successful=0", 1))
	if err := m.markGood(); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(m.slots); string(text) != fresh {
		t.Errorf("%s", text)
	}
}

func TestStatusIsPrintedAsContainerLinuxDid(t *testing.T) {
	want := "LAST_CHECKED_TIME=0\nPROGRESS=0.000000\nCURRENT_OP=UPDATE_STATUS_IDLE\nNEW_VERSION=0.0.0.0\nNEW_SIZE=0"
	if got, err := newMachine(t, fresh).status(); err != nil || got.String() != want {
		t.Errorf("%v, %v; want %s", got, err, want)
	}
}
