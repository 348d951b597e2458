package cepgo

import "testing"

func TestNobodyToAsk(t *testing.T) {
	c := NewCepgo()
	_, all := c.All()
	_, key := c.Key("k")
	_, meta := c.Meta()
	_, raw := c.FetchRaw("k")
	for _, err := range []error{all, key, meta, raw} {
		if err == nil {
			t.Error("a call without a server did not fail")
		}
	}
}
