package providers

import (
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// minSecret refuses a shared secret that could be guessed.
const minSecret = 16

// The readers below turn the text of a variable into a field of Config. Their
// errors say what is accepted and do not repeat the value, which may be secret.

func readText(at func(*Config) *string) func(*Config, string) error {
	return func(c *Config, value string) error {
		*at(c) = value
		return nil
	}
}

func readSecret(at func(*Config) *string) func(*Config, string) error {
	return func(c *Config, value string) error {
		if len(value) < minSecret {
			return fmt.Errorf("it must have at least %d characters", minSecret)
		}
		*at(c) = value
		return nil
	}
}

func readOneOf(at func(*Config) *string, words ...string) func(*Config, string) error {
	return func(c *Config, value string) error {
		if !slices.Contains(words, value) {
			return fmt.Errorf("it must be one of %s", strings.Join(words, ", "))
		}
		*at(c) = value
		return nil
	}
}

func readBool(at func(*Config) *bool) func(*Config, string) error {
	return func(c *Config, value string) error {
		on, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("it must be true or false")
		}
		*at(c) = on
		return nil
	}
}

func readNumber(at func(*Config) *float64, least, most float64) func(*Config, string) error {
	return func(c *Config, value string) error {
		n, err := strconv.ParseFloat(value, 64)
		if err != nil || !(n >= least && n <= most) {
			return fmt.Errorf("it must be a number from %g to %g", least, most)
		}
		*at(c) = n
		return nil
	}
}

func readInteger(at func(*Config) *int, least, most int) func(*Config, string) error {
	return func(c *Config, value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < least || n > most {
			return fmt.Errorf("it must be a whole number from %d to %d", least, most)
		}
		*at(c) = n
		return nil
	}
}

// readSize reads a number with KB or MB behind it, as 1,024 and 1,024² bytes.
func readSize(at func(*Config) *int64, least, most int64) func(*Config, string) error {
	return func(c *Config, value string) error {
		number, unit := strings.ToUpper(value), int64(0)
		for name, bytes := range map[string]int64{"KB": 1 << 10, "MB": 1 << 20} {
			if before, found := strings.CutSuffix(number, name); found {
				number, unit = strings.TrimSpace(before), bytes
			}
		}
		n, err := strconv.ParseInt(number, 10, 32)
		if err != nil || unit == 0 || n*unit < least || n*unit > most {
			return fmt.Errorf("it must be a size from %dKB to %dMB, for example 64KB or 4MB", least>>10, most>>20)
		}
		*at(c) = n * unit
		return nil
	}
}

func readDuration(at func(*Config) *time.Duration, least, most time.Duration) func(*Config, string) error {
	return func(c *Config, value string) error {
		d, err := time.ParseDuration(value)
		if err != nil || d < least || d > most {
			return fmt.Errorf("it must be a duration from %v to %v, for example %v", least, most,
				(least+most).Round(time.Second)/2)
		}
		*at(c) = d
		return nil
	}
}

func readURL(at func(*Config) *string) func(*Config, string) error {
	return func(c *Config, value string) error {
		u, err := url.Parse(value)
		switch {
		case err != nil || u.Host == "" || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
			return fmt.Errorf("it must be an address that begins with https:// or http://")
		case u.User != nil || u.RawQuery != "" || u.Fragment != "":
			return fmt.Errorf("it must not have a user name, a query or a fragment")
		}
		*at(c) = strings.TrimRight(value, "/")
		return nil
	}
}

// readHook takes a query as well: that is where such addresses have their token.
func readHook(at func(*Config) *string) func(*Config, string) error {
	return func(c *Config, value string) error {
		u, err := url.Parse(value)
		if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
			return fmt.Errorf("it must be an address that begins with https:// or http://")
		}
		*at(c) = value
		return nil
	}
}

func readMail(at func(*Config) *string) func(*Config, string) error {
	return func(c *Config, value string) error {
		if a, err := mail.ParseAddress(value); err != nil || a.Address != value {
			return fmt.Errorf("it must be one mail address, for example watch@example.com")
		}
		*at(c) = value
		return nil
	}
}

// readFlyApp stands after POCKETLINE_PUBLIC_URL in the table, which wins.
func readFlyApp(c *Config, value string) error {
	for _, r := range value {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return fmt.Errorf("it must be the name of an app on Fly")
		}
	}
	if c.PublicURL == "" {
		c.PublicURL = "https://" + value + ".fly.dev"
	}
	return nil
}

func readOrigins(at func(*Config) *[]string) func(*Config, string) error {
	return func(c *Config, value string) error {
		for _, item := range items(value) {
			u, err := url.Parse(item)
			if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || item != u.Scheme+"://"+u.Host {
				return fmt.Errorf("each origin is scheme and host only, for example https://app.example.com")
			}
			*at(c) = append(*at(c), item)
		}
		return nil
	}
}

func readHostPort(at func(*Config) *string) func(*Config, string) error {
	return func(c *Config, value string) error {
		if _, err := hostPort(value); err != nil {
			return err
		}
		*at(c) = value
		return nil
	}
}

func readHostPorts(at func(*Config) *[]string) func(*Config, string) error {
	return func(c *Config, value string) error {
		for _, item := range items(value) {
			host, err := hostPort(item)
			if err != nil {
				return err
			}
			if host == "" {
				return fmt.Errorf("each entry needs a host, for example crm.internal:8080")
			}
			*at(c) = append(*at(c), strings.ToLower(item))
		}
		return nil
	}
}

func readHosts(at func(*Config) *[]string) func(*Config, string) error {
	return func(c *Config, value string) error {
		for _, item := range items(value) {
			if u, err := url.Parse("//" + item); err != nil || u.Hostname() == "" || u.Host != item {
				return fmt.Errorf("each entry is a host, with a port when it is not the usual one")
			}
			*at(c) = append(*at(c), strings.ToLower(item))
		}
		return nil
	}
}

func readHeaderName(at func(*Config) *string) func(*Config, string) error {
	return func(c *Config, value string) error {
		for _, r := range value {
			if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
				return fmt.Errorf("it must be the name of a header: letters, digits, - and _")
			}
		}
		*at(c) = value
		return nil
	}
}

func readSignedFormat(at func(*Config) *string) func(*Config, string) error {
	return func(c *Config, value string) error {
		if !strings.Contains(value, "{body}") {
			return fmt.Errorf("it must contain {body}, or a signature would say nothing about the message")
		}
		*at(c) = value
		return nil
	}
}

// hostPort checks host:port and returns the host, which may be empty.
func hostPort(value string) (host string, err error) {
	host, port, err := net.SplitHostPort(value)
	if err != nil || strings.ContainsAny(host, "/@ ") {
		return "", fmt.Errorf("it must be host:port, for example %s", defaultHTTPAddr)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Errorf("the port must be a number from 0 to 65535")
	}
	return host, nil
}

// items splits a comma-separated list and drops what is empty.
func items(value string) []string {
	var list []string
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}
