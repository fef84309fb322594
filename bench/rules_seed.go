package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"strings"
)

// ruleCallers is how many people call one organization of the rules' section.
const ruleCallers = 50

// makeRules makes n organizations with n calls each. The first one is seeded by
// the product, the others repeat its calls, without their reports, all in the
// order of time. The floor's copy has a literal condition in the
// place of the rules on calls (see rules).
func (b *bench) makeRules(d *desk, n int) error {
	if err := b.found(d); err != nil {
		return err
	}
	p := d.product(b)
	b.say("%d organizations of %d calls: seeding", n, n)
	var out bytes.Buffer
	if err := p.command(&out, "seed", "--organization", d.organization, "--calls", fmt.Sprint(n)); err != nil {
		return err
	}
	if err := fillRules(p.dir, d, n); err != nil {
		return err
	}
	if err := finish(p.dir, 0); err != nil {
		return err
	}
	floor := d.floor(b).dir
	if err := copyToFloor(p.dir, floor); err != nil {
		return err
	}
	_, err := checkpoint(floor,
		"UPDATE _collections SET listRule = '', viewRule = 'organization = @request.query.organization' WHERE name = 'calls'")
	return err
}

func fillRules(dir string, d *desk, n int) error {
	db, err := openAlone(dir)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := peopleOfRules(db, d, n); err != nil {
		return err
	}
	t, err := readTemplate(db, d.organization)
	if err != nil {
		return err
	}
	var all []*repeater
	for i := 1; i < n; i++ {
		all = append(all, t.repeater(ruleOrganization(i), ruleCallers, false))
	}
	when := spreadOver(n * len(all))
	if err := t.write(db, n*len(all), func(i int) error { return all[i%len(all)].add(i/len(all), when(i)) }); err != nil {
		return err
	}
	for _, r := range all {
		if err := r.close(db); err != nil {
			return err
		}
	}
	return nil
}

// peopleOfRules makes the organizations and their members: colleagues in each,
// readers in the first ones, watchers in some.
func peopleOfRules(db *sql.DB, d *desk, n int) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() // nothing to undo after the commit
	made := 0
	joins := func(user string, organization int) error {
		id := d.organization
		if organization > 0 {
			id = ruleOrganization(organization)
		}
		made++
		return join(tx, d, fmt.Sprintf("rulemember%05d", made), user, id)
	}
	comes := func(user string) error {
		return clone(tx, "users", d.user, map[string]any{"id": user, "email": user + "@pocketline.test",
			"tokenKey": strings.Repeat(user, 3), "last_organization": ""})
	}
	for i := 1; i < n; i++ {
		if err := clone(tx, "organizations", d.organization,
			map[string]any{"id": ruleOrganization(i), "name": fmt.Sprintf("Rules %d", i), "member_key": ""}); err != nil {
			return err
		}
	}
	colleague := func(i int) string { return fmt.Sprintf("rulecolleag%04d", i%(n/2)) }
	for i := range n / 2 {
		if err := comes(colleague(i)); err != nil {
			return err
		}
	}
	for i := range n {
		for k := range colleagues {
			if err := joins(colleague(i*colleagues+k), i); err != nil {
				return err
			}
		}
	}
	for kind, most := range memberships {
		if err := comes(reader(kind)); err != nil {
			return err
		}
		for i := range most {
			if err := joins(reader(kind), i+1); err != nil {
				return err
			}
		}
		for w := range watchersEach {
			if err := comes(watcher(kind, w)); err != nil {
				return err
			}
			for i := range most - 1 { // besides the owner's: see enroll
				if err := joins(watcher(kind, w), (w*n/watchersEach+i)%(n-1)+1); err != nil {
					return err
				}
			}
		}
	}
	return tx.Commit()
}

// join makes a person an agent who may view calls.
func join(tx *sql.Tx, d *desk, id, user, organization string) error {
	var owner string
	if err := tx.QueryRow("SELECT id FROM memberships WHERE user = ?", d.user).Scan(&owner); err != nil {
		return err
	}
	return clone(tx, "memberships", owner, map[string]any{"id": id, "user": user, "organization": organization,
		"role": "agent", "can_view_calls": true, "is_default": false})
}

// enroll makes every watcher a member of the owner's organization. It is done
// each time, because the removals of a run before took them out of it.
func enroll(dir string, d *desk) error {
	db, err := openFile(dir)
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() // nothing to undo after the commit
	for kind := range memberships {
		for w := range watchersEach {
			user := watcher(kind, w)
			if _, err := tx.Exec("DELETE FROM memberships WHERE user = ? AND organization = ?", user,
				d.organization); err != nil {
				return err
			}
			if err := join(tx, d, fmt.Sprintf("rulehome%02d%05d", kind, w), user, d.organization); err != nil {
				return err
			}
		}
	}
	return tx.Commit()
}
