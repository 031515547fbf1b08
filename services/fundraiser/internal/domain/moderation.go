package domain

// TakenDown is the page after staff hid it. It remembers where it stood, also
// when only the reason is another one.
func (p Page) TakenDown(reason string) Page {
	if p.State != TakenDown {
		p.StateBefore = p.State
	}
	p.State, p.Reason = TakenDown, reason
	return p
}

// Restored is the page as it was before it was taken down; one that was not
// stays as it is.
func (p Page) Restored() Page {
	if p.State == TakenDown {
		p.State, p.StateBefore, p.Reason = p.StateBefore, "", ""
	}
	return p
}
