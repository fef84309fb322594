package sandbox

import "time"

// The messages of a call leave in order. At speed 0 each is sent, retries
// included, before the script goes on; otherwise a worker sends them so that a
// slow server does not slow the conversation, and a retry is overtaken by what
// comes after it, as on the real line.

func (c *liveCall) startOutbox() {
	if c.speed == 0 {
		return
	}
	c.outbox = make(chan func(), 4096)
	c.pending.Add(1)
	go func() {
		defer c.pending.Done()
		for send := range c.outbox {
			send()
		}
	}()
}

// drainOutbox sends what is still held back and waits for everything under way.
func (c *liveCall) drainOutbox() {
	c.mu.Lock()
	held, late := c.held, c.late
	c.held, c.late = nil, nil
	c.mu.Unlock()
	if held != nil {
		c.enqueue(func() { c.send(held) })
	}
	for _, send := range late {
		c.enqueue(send)
	}
	if c.outbox != nil {
		close(c.outbox)
	}
	c.pending.Wait()
}

func (c *liveCall) enqueue(send func()) {
	if c.outbox == nil {
		send()
		return
	}
	c.outbox <- send
}

// send makes the first attempt; retries run aside unless nothing is waited for.
func (c *liveCall) send(d *delivery) {
	r := c.s.attempt(c.ctx, d)
	if c.speed == 0 {
		c.s.retry(c.ctx, d, r, 0)
		return
	}
	if _, again := d.to.retryDelay(r, 1); again {
		c.pending.Add(1)
		go func() {
			defer c.pending.Done()
			c.s.retry(c.ctx, d, r, c.speed)
		}()
	}
}

// inform sends a message nobody answers to the assistant's server, else the
// number's, else the account's, and applies the faults asked for.
func (c *liveCall) inform(message object) {
	to := c.s.targetOf(c.assistant, c.number)
	if to.url == "" {
		return
	}
	d := c.s.newDelivery(to, c.id, message)
	c.record("webhook", d.Type)
	f := c.s.messageFault(d.Type)
	if f == nil {
		c.enqueue(func() { c.send(d) })
		c.releaseHeld()
		return
	}
	c.s.mu.Lock()
	d.Fault = f.Kind
	c.s.mu.Unlock()
	switch f.Kind {
	case "drop":
	case "repeat":
		c.enqueue(func() { c.send(d) })
		c.enqueue(func() { c.send(d) })
		c.releaseHeld()
	case "reorder":
		c.releaseHeld()
		c.mu.Lock()
		c.held = d
		c.mu.Unlock()
	case "delay":
		c.delay(d, time.Duration(f.DelayMs)*time.Millisecond)
	}
}

// releaseHeld sends the message that was kept back, after the one just queued.
func (c *liveCall) releaseHeld() {
	c.mu.Lock()
	held := c.held
	c.held = nil
	c.mu.Unlock()
	if held != nil {
		c.enqueue(func() { c.send(held) })
	}
}

// delay sends a message later; without waiting that is after everything else.
func (c *liveCall) delay(d *delivery, by time.Duration) {
	if c.speed == 0 {
		c.mu.Lock()
		c.late = append(c.late, func() { c.send(d) })
		c.mu.Unlock()
		return
	}
	c.pending.Add(1)
	go func() {
		defer c.pending.Done()
		if pause(c.ctx, by, 1) {
			c.send(d)
		}
	}()
}

// ask sends a message whose answer decides what happens next. Everything sent
// before it has left by then only at speed 0, as on the real line.
func (c *liveCall) ask(to target, message object) reply {
	d := c.s.newDelivery(to, c.id, message)
	c.record("webhook", d.Type)
	if f := c.s.messageFault(d.Type); f != nil {
		c.s.mu.Lock()
		d.Fault = f.Kind
		c.s.mu.Unlock()
		switch f.Kind {
		case "drop":
			return reply{timedOut: true, err: errDropped, sent: d}
		case "delay":
			pause(c.ctx, time.Duration(f.DelayMs)*time.Millisecond, 1)
		case "repeat":
			r := c.s.attempt(c.ctx, d)
			c.s.attempt(c.ctx, d)
			return r
		}
	}
	return c.s.retry(c.ctx, d, c.s.attempt(c.ctx, d), c.speed)
}
