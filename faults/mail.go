package main

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/faults/rig"
)

// mailDown gives the server a mail server that takes connections and never says a
// word (F28). Whoever asks for something that mails is answered all the same.
func mailDown(t *trial) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	go func() {
		for {
			c, err := silent.Accept()
			if err != nil {
				return
			}
			defer c.Close() // until the listener is closed
		}
	}()
	d := rig.Start(t, t.TempDir(), "", rig.Demo)
	owner, operator := d.Owner(t), d.Operator(t)
	operator.Ask("PATCH", "/api/settings", rig.Row{"smtp": rig.Row{
		"enabled": true, "host": "127.0.0.1", "port": silent.Addr().(*net.TCPAddr).Port,
	}}, http.StatusOK, nil)
	users := "/api/collections/" + collections.Users
	longest := time.Duration(0)
	for _, one := range []struct {
		what, method, path string
		as                 *rig.Person
		body               rig.Row
	}{
		{"a sign-in from a new device", "POST", users + "/auth-with-password", &rig.Person{T: t, Base: d.Base},
			rig.Row{"identity": rig.DemoEmail, "password": rig.DemoPassword}},
		{"an operator's sign-in", "POST", "/api/collections/" + core.CollectionNameSuperusers + "/auth-with-password",
			&rig.Person{T: t, Base: d.Base},
			rig.Row{"identity": rig.OperatorEmail, "password": rig.OperatorPassword}},
		{"an invitation", "POST", "/api/team-members", owner,
			rig.Row{"full_name": "Ina Invited", "email": "ina@acme.test", "role": "agent"}},
		{"a forgotten password", "POST", users + "/request-password-reset", &rig.Person{T: t, Base: d.Base},
			rig.Row{"email": rig.DemoEmail}},
		{"another address", "POST", users + "/request-email-change", owner, rig.Row{"newEmail": "robin@elsewhere.test"}},
		{"a proof of the address", "POST", users + "/request-verification", &rig.Person{T: t, Base: d.Base},
			rig.Row{"email": rig.DemoEmail}},
		{"a code by mail", "POST", users + "/request-otp", &rig.Person{T: t, Base: d.Base}, rig.Row{"email": rig.DemoEmail}},
	} {
		began := time.Now()
		status, _, body, err := one.as.Send(one.method, one.path, one.body, "User-Agent", fmt.Sprint("Device ", one.what))
		took := time.Since(began)
		if err != nil || status >= 500 {
			t.Errorf("%s: %d %v %.300s", one.what, status, err, body)
		}
		if took > 2*time.Second && !t.short {
			t.Errorf("%s took %s", one.what, took)
		}
		longest = max(longest, took)
	}
	if status, _, _, err := owner.Send("GET", "/api/collections/calls/records", nil); err != nil ||
		status != http.StatusOK {
		t.Errorf("afterwards: %d %v", status, err)
	}
	began := time.Now()
	d.Stop()
	ended := time.Since(began)
	if ended > 20*time.Second && !t.short {
		t.Errorf("the end of the server took %s", ended)
	}
	t.note("the longest answer took %.1f s, the end of the server %.1f s", longest.Seconds(), ended.Seconds())
}
