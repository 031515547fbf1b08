package app

import (
	"fmt"
	"strings"
	"time"
)

// texts is everything that letters and documents say in one language. Another
// language is another entry in the catalogue and nothing else.
type texts struct {
	language  string // BCP 47
	direction string // ltr or rtl

	subject  string // receipt's number, organization
	greeting string // donor
	thanks   string // organization
	open     string // before the link
	note     string
	title    string // of the document
	verify   string // before the address at which it is checked
	page     string // number, how many

	replacement string // organization, number of the receipt before
	replacedBy  string // stamp: number of the receipt after
	void        string // stamp
	voidSubject string // receipt's number, organization
	voided      string // organization
	voidNote    string

	// Labels.
	number, donor, amount, cover, received, issued, fund, payment string
	description, gift, monthlyGift, coverAlone, total, code       string
	replaces                                                      string

	date func(time.Time) string
}

// catalogue returns the languages that there are, English first: it is what
// everybody else gets.
func catalogue() []texts { return []texts{english(), french(), spanish(), arabic()} }

// textsIn returns the texts in the language of a BCP 47 tag, whatever region it
// names ("en-GB"), or in English.
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

// languageFor is the language that a donor who reads tag gets a receipt in.
func languageFor(tag string) string { return textsIn(tag).language }

func english() texts {
	return texts{
		language:    "en",
		replacement: "The amount of your gift to %s has changed. This receipt replaces receipt %s, which is no longer valid.",
		replacedBy:  "VOID. Replaced by receipt %s",
		void:        "VOID. This receipt is no longer valid",
		voidSubject: "Receipt %s is no longer valid: your gift to %s",
		voided:      "Your gift to %s was given back to you, or taken back by your bank. The receipt below is therefore void.",
		voidNote:    "Please do not use this receipt any more.",
		monthlyGift: "Monthly gift",
		replaces:    "Replaces receipt",
		direction:   "ltr",
		subject:     "Receipt %s for your gift to %s",
		greeting:    "Dear %s,",
		thanks:      "Thank you. %s has received your gift, and this is your receipt.",
		open:        "See or print your receipt:",
		note:        "This receipt confirms that your gift was received. It makes no statement about tax.",
		title:       "Receipt for a gift",
		verify:      "Anyone who holds this receipt can check that it is in force, with its number and the code:",
		page:        "Page %d of %d",
		number:      "Receipt number",
		donor:       "Received from",
		amount:      "Amount",
		cover:       "of which to cover the fee",
		received:    "Date of the gift",
		issued:      "Date of issue",
		fund:        "Fund",
		payment:     "Payment reference",
		description: "Description",
		gift:        "Gift",
		coverAlone:  "Added to cover the payment fee",
		total:       "Total received",
		code:        "Check code",
		date:        func(t time.Time) string { return t.Format("2 January 2006") },
	}
}

func french() texts {
	months := [...]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"}
	return texts{
		language:    "fr",
		replacement: "Le montant de votre don à %s a changé. Ce reçu remplace le reçu %s, qui n’est plus valable.",
		replacedBy:  "ANNULÉ. Remplacé par le reçu %s",
		void:        "ANNULÉ. Ce reçu n’est plus valable",
		voidSubject: "Le reçu %s n’est plus valable : votre don à %s",
		voided:      "Votre don à %s vous a été remboursé ou a été repris par votre banque. Le reçu ci-dessous est donc annulé.",
		voidNote:    "Merci de ne plus utiliser ce reçu.",
		monthlyGift: "Don mensuel",
		replaces:    "Remplace le reçu",
		direction:   "ltr",
		subject:     "Reçu %s pour votre don à %s",
		greeting:    "Bonjour %s,",
		thanks:      "Merci. %s a bien reçu votre don ; voici votre reçu.",
		open:        "Voir ou imprimer votre reçu :",
		note:        "Ce reçu confirme que votre don a été reçu. Il ne vaut pas attestation fiscale.",
		title:       "Reçu pour un don",
		verify:      "Toute personne qui détient ce reçu peut vérifier qu’il est valable, avec son numéro et le code :",
		page:        "Page %d sur %d",
		number:      "Numéro du reçu",
		donor:       "Reçu de",
		amount:      "Montant",
		cover:       "dont pour couvrir les frais",
		received:    "Date du don",
		issued:      "Date d’émission",
		fund:        "Affectation",
		payment:     "Référence du paiement",
		description: "Désignation",
		gift:        "Don",
		coverAlone:  "Ajouté pour couvrir les frais de paiement",
		total:       "Total reçu",
		code:        "Code de contrôle",
		date: func(t time.Time) string {
			day := fmt.Sprint(t.Day())
			if t.Day() == 1 {
				day = "1er"
			}
			return fmt.Sprintf("%s %s %d", day, months[t.Month()-1], t.Year())
		},
	}
}

func spanish() texts {
	months := [...]string{"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"}
	return texts{
		language:    "es",
		replacement: "El importe de su donación a %s ha cambiado. Este recibo sustituye al recibo %s, que ya no es válido.",
		replacedBy:  "ANULADO. Sustituido por el recibo %s",
		void:        "ANULADO. Este recibo ya no es válido",
		voidSubject: "El recibo %s ya no es válido: su donación a %s",
		voided:      "Su donación a %s le fue devuelta o fue retirada por su banco. Por ello, el recibo siguiente queda anulado.",
		voidNote:    "Por favor, no utilice más este recibo.",
		monthlyGift: "Donación mensual",
		replaces:    "Sustituye al recibo",
		direction:   "ltr",
		subject:     "Recibo %s de su donación a %s",
		greeting:    "Hola, %s:",
		thanks:      "Gracias. %s ha recibido su donación; este es su recibo.",
		open:        "Ver o imprimir su recibo:",
		note:        "Este recibo confirma que su donación fue recibida. No es un certificado fiscal.",
		title:       "Recibo de una donación",
		verify:      "Quien tenga este recibo puede comprobar que es válido, con su número y el código:",
		page:        "Página %d de %d",
		number:      "Número de recibo",
		donor:       "Recibido de",
		amount:      "Importe",
		cover:       "de ello, para cubrir la comisión",
		received:    "Fecha de la donación",
		issued:      "Fecha de emisión",
		fund:        "Fondo",
		payment:     "Referencia del pago",
		description: "Concepto",
		gift:        "Donación",
		coverAlone:  "Añadido para cubrir la comisión de pago",
		total:       "Total recibido",
		code:        "Código de comprobación",
		date: func(t time.Time) string {
			return fmt.Sprintf("%d de %s de %d", t.Day(), months[t.Month()-1], t.Year())
		},
	}
}

func arabic() texts {
	months := [...]string{"يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر"}
	return texts{
		language:    "ar",
		replacement: "تغيّر مبلغ تبرعكم إلى %s. يحل هذا الإيصال محل الإيصال %s الذي لم يعد ساريًا.",
		replacedBy:  "ملغى. حل محله الإيصال %s",
		void:        "ملغى. لم يعد هذا الإيصال ساريًا",
		voidSubject: "الإيصال %s لم يعد ساريًا: تبرعكم إلى %s",
		voided:      "أُعيد إليكم تبرعكم إلى %s أو استرده مصرفكم، ولذلك أُلغي الإيصال أدناه.",
		voidNote:    "يرجى عدم استخدام هذا الإيصال بعد الآن.",
		monthlyGift: "تبرع شهري",
		replaces:    "يحل محل الإيصال",
		direction:   "rtl",
		subject:     "إيصال %s عن تبرعكم إلى %s",
		greeting:    "تحية طيبة %s،",
		thanks:      "شكرًا لكم. استلمت %s تبرعكم، وهذا إيصالكم.",
		open:        "لعرض الإيصال أو طباعته:",
		note:        "يؤكد هذا الإيصال استلام تبرعكم، ولا يتضمن أي إفادة ضريبية.",
		title:       "إيصال تبرع",
		verify:      "يمكن لكل من يحمل هذا الإيصال التحقق من سريانه برقمه وبالرمز:",
		page:        "صفحة %d من %d",
		number:      "رقم الإيصال",
		donor:       "استُلم من",
		amount:      "المبلغ",
		cover:       "منه لتغطية الرسوم",
		received:    "تاريخ التبرع",
		issued:      "تاريخ الإصدار",
		fund:        "الصندوق",
		payment:     "مرجع الدفع",
		description: "البيان",
		gift:        "التبرع",
		coverAlone:  "مضاف لتغطية رسوم الدفع",
		total:       "المجموع المستلم",
		code:        "رمز التحقق",
		date: func(t time.Time) string {
			return fmt.Sprintf("%d %s %d", t.Day(), months[t.Month()-1], t.Year())
		},
	}
}
