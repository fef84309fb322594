package httpjson

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// mayRepeat decides whether an attempt that failed may be made again. status is
// 0 when there was no answer; sent says whether a connection existed.
func mayRepeat(method string, status int, sent bool, cause error) bool {
	if status == http.StatusTooManyRequests {
		return true
	}
	if errors.Is(cause, ErrTooLarge) {
		return false // it will be as large the next time
	}
	if !unsafeMethod(method) {
		switch status {
		case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return status == 0 && retryableCause(cause)
	}
	// Anything else may take effect, even after we gave it up, as soon as a byte left
	// the machine: repeated here, an old change could come over a newer one. Whoever
	// asked is told that it is unclear.
	return status == 0 && !sent && refused(cause)
}

// refused reports that no connection came about, so nothing was sent.
func refused(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// retryableCause sorts out failures that no repetition mends.
func retryableCause(err error) bool {
	return err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, ErrBlocked) &&
		!strings.Contains(err.Error(), "x509:")
}

func unsafeMethod(method string) bool {
	return method != http.MethodGet && method != http.MethodHead
}

// backoff is the wait after the given attempt: 0.5 s doubling to at most 10 s,
// of which the upper half is random so that clients do not come back together.
func (c *Client) backoff(attempt int) time.Duration {
	d := firstWait << min(attempt-1, 10)
	d = min(d, maxWait)
	return d/2 + time.Duration(c.cfg.Jitter()*float64(d/2))
}

// mostAfter bounds what a provider may ask us to wait: one answer with a wrong number
// must not put everything off for a day.
const mostAfter = 10 * time.Minute

// retryAfter reads how long the provider asks us to wait: Retry-After in
// seconds or as a date, else X-RateLimit-Reset in seconds since 1970. Zero
// means it did not say, or that the time has passed.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if v := strings.TrimSpace(h.Get("Retry-After")); v != "" {
		if seconds, err := strconv.ParseFloat(v, 64); err == nil {
			return seconds2duration(seconds)
		}
		if at, err := http.ParseTime(v); err == nil {
			return max(at.Sub(now), 0)
		}
	}
	if v := strings.TrimSpace(h.Get("X-RateLimit-Reset")); v != "" {
		if epoch, err := strconv.ParseInt(v, 10, 64); err == nil && epoch > 0 && epoch < 1<<40 {
			return max(time.Unix(epoch, 0).Sub(now), 0)
		}
	}
	return 0
}

func seconds2duration(seconds float64) time.Duration {
	if !(seconds > 0) { // also refuses NaN
		return 0
	}
	return time.Duration(min(seconds, 86400) * float64(time.Second))
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
