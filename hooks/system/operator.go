package system

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/core"

	"github.com/pocketline/pocketline/collections"
	"github.com/pocketline/pocketline/hooks/internal/refusal"
)

// operatorKey in users.metadata, which no client reads or writes, marks the
// person who set the installation up: in the dashboard that is its operator.
// Being an owner of an organization is not enough: on one installation there
// are many organizations of people who do not know each other.
const operatorKey = "operator"

// isOperator tells whether the caller may look after the installation itself:
// a superuser, or the person who set it up.
func isOperator(e *core.RequestEvent) bool {
	if e.Auth == nil {
		return false
	}
	if e.Auth.IsSuperuser() {
		return true
	}
	return e.Auth.Collection().Name == collections.Users && e.Auth.GetBool("is_active") && !e.Auth.GetBool("is_service") &&
		marked(e.Auth)
}

// requireOperator refuses everybody else.
func requireOperator(e *core.RequestEvent) error {
	if isOperator(e) {
		return nil
	}
	return refusal.Of("forbidden/installation")
}

func marked(user *core.Record) bool {
	metadata := map[string]any{}
	if err := user.UnmarshalJSONField("metadata", &metadata); err != nil {
		return false
	}
	return metadata[operatorKey] == true
}

// firstOperator is the person who set the installation up, as the audit log
// has it; it is asked where nobody bears the mark yet.
const firstOperator = `SELECT a.user FROM organizations o JOIN audit_logs a ON a.organization = o.id AND a.created >= o.created
		AND a.created <= strftime('%Y-%m-%d %H:%M:%fZ', o.created, '+1 minute')
	JOIN users u ON u.id = a.user WHERE a.action = 'organizations.setup' AND u.is_active LIMIT 1`

// storeOperator marks the person who set the installation up before there was
// a mark.
func storeOperator(app core.App) error {
	var id string
	err := app.DB().NewQuery("SELECT id FROM users WHERE json_valid(metadata) AND json_extract(metadata, '$." +
		operatorKey + "') LIMIT 1").Row(&id)
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	err = app.DB().NewQuery(firstOperator).Bind(dbx.Params{}).Row(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find the operator: %w", err)
	}
	user, err := app.FindRecordById(collections.Users, id)
	if err != nil {
		return fmt.Errorf("find the operator: %w", err)
	}
	metadata := map[string]any{}
	if err := user.UnmarshalJSONField("metadata", &metadata); err != nil || metadata == nil {
		metadata = map[string]any{}
	}
	metadata[operatorKey] = true
	user.Set("metadata", metadata)
	user.IgnoreUnchangedFields(true)
	return app.SaveNoValidate(user)
}
