package rig

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// narrow is how much the system keeps for a listener that does not read.
const narrow = 4 << 10

// Listen opens a realtime stream at host:port, subscribes it and hands over the lines
// it brings. A line is good until the next one; longer ones than 4 KiB come in
// pieces. With line nil nothing is read once it is subscribed.
func Listen(address, token string, topics []string, line func([]byte)) (net.Conn, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	if tcp, ok := c.(*net.TCPConn); ok && line == nil {
		if err := tcp.SetReadBuffer(narrow); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	r := bufio.NewReaderSize(c, narrow)
	if err := subscribe(c, r, address, token, topics); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if line != nil {
		go func() {
			for {
				text, err := r.ReadSlice('\n')
				if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
					return
				}
				line(text)
			}
		}()
	}
	return c, nil
}

func subscribe(c net.Conn, r *bufio.Reader, address, token string, topics []string) error {
	if err := c.SetReadDeadline(time.Now().Add(Patience)); err != nil {
		return err
	}
	head := "GET /api/realtime HTTP/1.1\r\nHost: " + address + "\r\n"
	if token != "" {
		head += "Authorization: " + token + "\r\n"
	}
	if _, err := c.Write([]byte(head + "\r\n")); err != nil {
		return err
	}
	var hello struct{ ClientID string }
	for hello.ClientID == "" {
		line, err := r.ReadString('\n')
		if err != nil {
			return fmt.Errorf("connect: %w", err)
		}
		if data, ok := strings.CutPrefix(line, "data:"); ok {
			if err := json.Unmarshal([]byte(data), &hello); err != nil {
				return err
			}
		}
	}
	body, err := json.Marshal(Row{"clientId": hello.ClientID, "subscriptions": topics})
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPost, "http://"+address+"/api/realtime", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", token)
	res, err := Client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		return &Refused{Status: res.StatusCode}
	}
	return c.SetReadDeadline(time.Time{})
}

// Refused is a subscription that was answered otherwise than with 204.
type Refused struct{ Status int }

// Error says the status.
func (r *Refused) Error() string { return fmt.Sprintf("subscribe: status %d", r.Status) }
