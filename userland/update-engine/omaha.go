package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// appID is Container Linux's, by which update servers knew it.
const appID = "{e96281a6-d1af-4bde-9a0a-97b76e56dc57}"

const (
	patience = 5 * time.Second // for an answer of the server
	largest  = 1 << 20         // bytes of an answer
)

// request and response are the parts of Omaha 3.0 that updates need.
type omahaRequest struct {
	XMLName  xml.Name `xml:"request"`
	Protocol string   `xml:"protocol,attr"`
	App      struct {
		ID      string   `xml:"appid,attr"`
		Version string   `xml:"version,attr"`
		Track   string   `xml:"track,attr"`
		Machine string   `xml:"machineid,attr"`
		Check   struct{} `xml:"updatecheck"`
	} `xml:"app"`
}

type omahaResponse struct {
	XMLName xml.Name `xml:"response"`
	App     struct {
		Check struct {
			Status string `xml:"status,attr"`
			URL    struct {
				Base string `xml:"codebase,attr"`
			} `xml:"urls>url"`
			Manifest struct {
				Version string `xml:"version,attr"`
				Package struct {
					Name string `xml:"name,attr"`
					Hash string `xml:"hash_sha256,attr"`
					Size int64  `xml:"size,attr"`
				} `xml:"packages>package"`
			} `xml:"manifest"`
		} `xml:"updatecheck"`
	} `xml:"app"`
}

// offer is an update that the server has for this machine.
type offer struct {
	image string
	url   string
	hash  string
	size  int64
}

var imageName = regexp.MustCompile(`^[0-9a-f]{4,64}(-[0-9]{1,6})?$`)

// Nothing of the environment decides how the server is asked: it is in the cluster's own network.
var client = &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}

// ask returns what a server offers a machine of that version and group, nil for nothing.
func ask(server, version, group, machine string) (*offer, error) {
	question := omahaRequest{Protocol: "3.0"}
	question.App.ID, question.App.Version, question.App.Track, question.App.Machine = appID, version, group, machine
	body, err := xml.Marshal(question)
	if err != nil {
		return nil, err
	}
	answer, err := client.Post(server, "text/xml", bytes.NewReader(append([]byte(xml.Header), body...)))
	if err != nil {
		return nil, fmt.Errorf("no answer from the update server: %w", err)
	}
	text, err := read200(answer)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", server, err)
	}
	var found omahaResponse
	if err := xml.Unmarshal(text, &found); err != nil {
		return nil, fmt.Errorf("%s: not an answer of an update server: %w", server, err)
	}
	check := found.App.Check
	if check.Status == "noupdate" {
		return nil, nil
	}
	pack := check.Manifest.Package
	if check.Status != "ok" || !imageName.MatchString(pack.Name) || pack.Name != check.Manifest.Version {
		return nil, fmt.Errorf("%s: offers %q of version %q: no update", server, pack.Name, check.Manifest.Version)
	}
	return &offer{pack.Name, strings.TrimSuffix(check.URL.Base, "/") + "/" + pack.Name, pack.Hash, pack.Size}, nil
}

// fetch gets an update's package, which is the os-release of its image, and compares it with what was offered.
func (o offer) fetch() error {
	answer, err := client.Get(o.url)
	if err != nil {
		return err
	}
	text, err := read200(answer)
	if err != nil {
		return fmt.Errorf("%s: %w", o.url, err)
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != o.hash || int64(len(text)) != o.size {
		return fmt.Errorf("%s: is not what the update server has promised", o.url)
	}
	if version, _ := lastValue(string(text), "IMAGE_VERSION"); version != o.image {
		return fmt.Errorf("%s: is of version %q", o.url, version)
	}
	return nil
}

func read200(answer *http.Response) ([]byte, error) {
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP %s", answer.Status)
	}
	return io.ReadAll(io.LimitReader(answer.Body, largest))
}
