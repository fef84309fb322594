package system

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	netmail "net/mail"
	"net/smtp"
	"net/textproto"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/mailer"

	"github.com/pocketline/pocketline/hooks/internal/rows"
	"github.com/pocketline/pocketline/hooks/internal/sealed"
)

// patience is how long a mail server may take.
type patience struct {
	greeting time.Duration // to be reached and to greet
	sending  time.Duration // for all after that
}

// usualPatience suits a person who waits, and greylisting servers that stall.
var usualPatience = patience{5 * time.Second, 20 * time.Second}

const (
	// testsAtOnce bounds test mails under way, those given up on included.
	testsAtOnce = 2
	// wordsMost bounds what is shown of a mail server's words.
	wordsMost = 300
)

// testMail is the mail, by language: subject, sentence.
var testMail = map[string][2]string{
	"en": {"%s can send mail", "This is the test mail you asked for. Invitations and notifications reach people now."},
	"fr": {"%s peut envoyer des e-mails",
		"Voici l’e-mail de test que vous avez demandé. Les invitations et les notifications arrivent maintenant à leurs destinataires."},
}

// tryMail greets the mail server, then sends one mail the way every mail is
// sent, and says how it went. over is called when the conversation has ended, which
// may be after the answer (send): a server that does not even greet never gets that far.
func tryMail(ctx context.Context, settings *core.Settings, to, language string, wait patience, over func()) result {
	m := settings.SMTP
	if err := greet(ctx, m, wait.greeting); err != nil {
		over()
		return mailResult(err, m.Password)
	}
	words, ok := testMail[language]
	if !ok {
		words = testMail["en"]
	}
	message := &mailer.Message{
		From:    netmail.Address{Name: settings.Meta.SenderName, Address: settings.Meta.SenderAddress},
		To:      []netmail.Address{{Address: to}},
		Subject: fmt.Sprintf(words[0], settings.Meta.AppName), HTML: "<p>" + words[1] + "</p>", Text: words[1] + "\n",
	}
	client := &mailer.SMTPClient{
		Host: m.Host, Port: m.Port, Username: m.Username, Password: m.Password, TLS: m.TLS, AuthMethod: m.AuthMethod,
		LocalName: m.LocalName,
	}
	ctx, cancel := context.WithTimeout(ctx, wait.sending)
	defer cancel()
	return mailResult(send(ctx, client, message, over), m.Password)
}

// send hands a mail over and waits as long as the context lasts. over is called when
// the conversation has ended, which may be later: PocketBase's clients know no deadline.
func send(ctx context.Context, client mailer.Mailer, message *mailer.Message, over func()) error {
	sent := make(chan error, 1)
	go func() {
		defer over()
		sent <- client.Send(message)
	}()
	select {
	case err := <-sent:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// greet begins a conversation with the mail server up to encryption, and ends it.
func greet(ctx context.Context, m core.SMTPConfig, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(m.Host, strconv.Itoa(m.Port)))
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	config := &tls.Config{ServerName: m.Host}
	if m.TLS {
		secured := tls.Client(conn, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			return err
		}
		conn = secured
	}
	c, err := smtp.NewClient(conn, m.Host)
	if err != nil {
		return err
	}
	if m.LocalName != "" {
		if err := c.Hello(m.LocalName); err != nil {
			return err
		}
	}
	if offered, _ := c.Extension("STARTTLS"); offered && !m.TLS {
		if err := c.StartTLS(config); err != nil {
			return err
		}
	}
	return c.Quit()
}

// mailResult puts what a mail server did into words.
func mailResult(err error, password string) result {
	if err == nil {
		return result{OK: true, Code: "sent",
			Message: "The mail server took the test mail. Look into your mailbox, and into its spam."}
	}
	detail := sealed.Redact(err.Error())
	if password != "" {
		detail = strings.ReplaceAll(detail, password, sealed.Redacted)
	}
	detail = rows.Shorten(detail, wordsMost)
	say := func(code, message string) result { return result{Code: code, Message: message, Detail: detail} }
	var (
		dns         *net.DNSError
		reply       *textproto.Error
		record      tls.RecordHeaderError
		certificate *tls.CertificateVerificationError
		host        x509.HostnameError
		unknown     x509.UnknownAuthorityError
		timeout     interface{ Timeout() bool }
	)
	switch {
	case errors.As(err, &dns) && !dns.IsTimeout:
		return say("unknown_host", "There is no server of this name. Check the host.")
	case errors.Is(err, syscall.ECONNREFUSED):
		return say("connection_refused", "Nothing answers at this host and port. Check the port: 587 and 465 are usual.")
	case errors.As(err, &record):
		return say("no_tls", "The server does not speak TLS at this port. Switch “TLS from the start” off, or use port 465.")
	case errors.As(err, &certificate), errors.As(err, &host), errors.As(err, &unknown):
		return say("certificate", "The server's certificate is not valid for this host name.")
	case errors.As(err, &reply):
		return replyResult(reply.Code, say)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return say("silent",
			"The server does not answer. If it expects TLS from the start (port 465), switch that on; else a firewall may be in between.")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return say("hung_up",
			"The server ended the conversation. If it expects TLS from the start (port 465), switch that on.")
	case strings.Contains(err.Error(), "unencrypted connection"):
		return say("insecure", "The server offers no encryption, and a password is not sent without it. Use port 587 or 465.")
	}
	return say("unreachable", "The mail server cannot be reached.")
}

// replyResult words a refusal of the server (RFC 5321, RFC 4954).
func replyResult(code int, say func(code, message string) result) result {
	switch {
	case code == 530 || code == 534 || code == 535 || code == 538 || code == 454:
		return say("auth_refused", "The server does not take this user name and password.")
	case code >= 500 && code <= 504 && code != 501:
		return say("no_sign_in",
			"The server knows no such sign-in at this port: choose the other one, or leave user name and password empty.")
	case code >= 500:
		return say("refused", "The server refused the mail. Often the sender's address is not one it sends for.")
	case code >= 400:
		return say("later", "The server cannot take mail just now. Try again later.")
	}
	return say("refused", "The server answered something unexpected.")
}
