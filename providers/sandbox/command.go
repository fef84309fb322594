package sandbox

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// The sandbox alone, when nothing else is said.
const (
	DefaultAddr = "127.0.0.1:8787"
	DefaultKey  = defaultKey
)

// Main is the command `pocketline sandbox`: it starts the sandbox alone, prints
// how to use it and runs until SIGINT or SIGTERM.
func Main(c Config) error {
	c.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := Start(c)
	if err != nil {
		return err
	}
	fmt.Print(usage(s.URL(), s.Key()))
	<-ctx.Done()
	closing, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return s.Close(closing)
}

// usage is what a person needs to try the sandbox by hand.
func usage(url, key string) string {
	text := fmt.Sprintf(`Vapi sandbox
  base URL  %[1]s
  key       %[2]s

Routes of the sandbox itself (no key):
`, url, key)
	for _, route := range adminRoutes {
		text += fmt.Sprintf("  %-34s %s\n", route.pattern, route.about)
	}
	return text + fmt.Sprintf(`
Outgoing calls are answered by the last two digits of the customer's number:
%[3]s
Try it:
  curl -s %[1]s/assistant -H 'Authorization: Bearer %[2]s' -H 'Content-Type: application/json' \
    -d '{"name":"Front desk","firstMessage":"Hello!","server":{"url":"http://127.0.0.1:9000/hook"}}'
  curl -s %[1]s/phone-number -H 'Authorization: Bearer %[2]s' -H 'Content-Type: application/json' \
    -d '{"provider":"vapi","numberDesiredAreaCode":"415","assistantId":"<id>"}'
  curl -s %[1]s/_sandbox/calls -d '{"script":"booking","language":"en","phoneNumberId":"<id>"}'
`, url, key, outboundTable())
}
