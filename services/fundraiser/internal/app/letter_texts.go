package app

import "strings"

// texts is everything that a letter to an owner says in one language. Another
// language is another entry in the catalogue and nothing else.
type texts struct {
	language  string // BCP 47
	direction string // ltr or rtl

	subject     string // gift, title of the page
	greeting    string // name
	news        string // gift
	total       string // total
	totalOfGoal string // total, goal
	desk        string // before the link to the owner's desk
	page        string // before the link to the page
	why         string // why this letter comes, and how it stops
}

// catalogue returns the languages that letters are written in, English first:
// it is what everybody else gets.
func catalogue() []texts {
	return []texts{{
		language:    "en",
		direction:   "ltr",
		subject:     "A gift of %s for “%s”",
		greeting:    "Dear %s,",
		news:        "somebody has given %s through your page:",
		total:       "Your page has now raised %s.",
		totalOfGoal: "Your page has now raised %s of %s.",
		desk:        "See your gifts and edit your page:",
		page:        "Your page, to share it:",
		why:         "You get this mail because you raise money on this page. You can turn these mails off in your account.",
	}, {
		language:    "fr",
		direction:   "ltr",
		subject:     "Un don de %s pour « %s »",
		greeting:    "Bonjour %s,",
		news:        "quelqu’un vient de donner %s grâce à votre page :",
		total:       "Votre page a maintenant réuni %s.",
		totalOfGoal: "Votre page a maintenant réuni %s sur %s.",
		desk:        "Voir vos dons et modifier votre page :",
		page:        "Votre page, à partager :",
		why:         "Vous recevez ce message parce que vous collectez des dons sur cette page. Vous pouvez désactiver ces messages dans votre compte.",
	}, {
		language:    "es",
		direction:   "ltr",
		subject:     "Una donación de %s para «%s»",
		greeting:    "Hola, %s:",
		news:        "alguien ha donado %s a través de tu página:",
		total:       "Tu página ya ha reunido %s.",
		totalOfGoal: "Tu página ya ha reunido %s de %s.",
		desk:        "Ver tus donaciones y editar tu página:",
		page:        "Tu página, para compartirla:",
		why:         "Recibes este mensaje porque recaudas fondos en esta página. Puedes desactivar estos mensajes en tu cuenta.",
	}, {
		language:    "ar",
		direction:   "rtl",
		subject:     "تبرع بمبلغ %s من أجل «%s»",
		greeting:    "مرحبًا %s،",
		news:        "تبرع أحدهم بمبلغ %s عبر صفحتك:",
		total:       "جمعت صفحتك حتى الآن %s.",
		totalOfGoal: "جمعت صفحتك حتى الآن %s من أصل %s.",
		desk:        "اطّلع على التبرعات وعدّل صفحتك:",
		page:        "صفحتك لمشاركتها:",
		why:         "تصلك هذه الرسالة لأنك تجمع التبرعات عبر هذه الصفحة. يمكنك إيقاف هذه الرسائل من حسابك.",
	}}
}

// textsIn returns the texts in the language of a BCP 47 tag, whatever region it
// names ("fr-CA"), or in English.
func textsIn(tag string) texts {
	all := catalogue()
	primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
	for _, t := range all {
		if t.language == primary {
			return t
		}
	}
	return all[0]
}
