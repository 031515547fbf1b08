package app

import (
	"fmt"
	"strings"
	"time"
)

// texts is everything that letters say in one language. Another
// language is another entry in the catalogue and nothing else.
type texts struct {
	language  string // BCP 47
	direction string // ltr or rtl

	greeting string // name
	amount   string // money
	next     string // day
	retry    string // day
	noRetry  string
	until    string // day
	untilYou string
	manage   string // before the plan's link
	card     string // before it, where another card is wanted
	confirm  string // before Stripe's page
	why      string
	once     string // money, of a single gift
	again    string // before the page that it was given on
	whyGift  string
	date     string // day, month, year
	months   [12]string

	letters map[MailKind]words
	ended   map[string]string // by who ended it
}

// words are what is said on one occasion.
type words struct {
	subject string // what the money is for
	news    string
}

// day writes a moment as a day of the universal time.
func (t texts) day(at int64) string {
	when := time.UnixMicro(at).UTC()
	return fmt.Sprintf(t.date, when.Day(), t.months[when.Month()-1], when.Year())
}

// textsIn returns the texts in the language of a BCP 47 tag, whatever region it
// names ("fr-CA"), or in English.
func textsIn(tag string) texts {
	primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
	switch primary {
	case "fr":
		return french()
	case "es":
		return spanish()
	case "ar":
		return arabic()
	}
	return english()
}

func english() texts {
	return texts{
		language: "en", direction: "ltr",
		greeting: "Dear %s,", amount: "Amount: %s a month.", next: "Next charge: %s.",
		retry: "The payment is tried again on %s.", noRetry: "The payment is not tried again by itself.",
		until: "Nothing is charged until %s.", untilYou: "Nothing is charged until you go on.",
		manage: "See, change, pause or end your monthly gift:", card: "Use another card, or change or end your monthly gift:",
		confirm: "Confirm the payment:",
		why:     "You get this mail because of your monthly gift. Whoever has the link can change the gift: please keep it to yourself.",
		once:    "Amount: %s.", again: "If you would like to give again, the page is here:",
		whyGift: "You get this mail because you gave from your bank account on our site.",
		date:    "%d %s %d",
		months: [12]string{
			"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
		},
		letters: map[MailKind]words{
			MailStarted: {"Your monthly gift has begun: %s", "thank you: your monthly gift has begun."},
			MailFailed:  {"Your monthly gift could not be charged: %s", "this month's payment of your monthly gift did not go through. Your card may have expired, or the bank declined it."},
			MailConfirm: {"Please confirm your monthly gift: %s", "your bank asks you to confirm this month's payment of your monthly gift. Without that it cannot be charged."},
			MailChanged: {"Your monthly gift has changed: %s", "the amount of your monthly gift has changed."},
			MailPaused:  {"Your monthly gift is paused: %s", "your monthly gift is paused."},
			MailResumed: {"Your monthly gift goes on: %s", "your monthly gift goes on. Thank you."},
			MailEnded:   {"Your monthly gift has ended: %s", "your monthly gift has ended. Nothing more is charged. Thank you for all that you have given."},
			MailLinks:   {"Your monthly gifts: %s", "here are the links to your monthly gifts, as you asked."},
			MailDebitFailed: {
				"Your gift could not be debited: %s",
				"your bank did not pay the debit for your gift, so no money has reached us and there is no receipt. Nothing is debited again by itself.",
			},
		},
		ended: map[string]string{
			"donor": "You ended it yourself.", "staff": "We ended it for you.", "": "It was ended on the payment service's side, after payments failed or on request.",
		},
	}
}

func french() texts {
	return texts{
		language: "fr", direction: "ltr",
		greeting: "Bonjour %s,", amount: "Montant : %s par mois.", next: "Prochain prélèvement : %s.",
		retry: "Une nouvelle tentative aura lieu le %s.", noRetry: "Aucune nouvelle tentative n’aura lieu d’elle-même.",
		until: "Rien n’est prélevé jusqu’au %s.", untilYou: "Rien n’est prélevé jusqu’à ce que vous repreniez.",
		manage: "Voir, modifier, suspendre ou arrêter votre don mensuel :", card: "Utiliser une autre carte, modifier ou arrêter votre don mensuel :",
		confirm: "Confirmer le paiement :",
		why:     "Vous recevez ce message en raison de votre don mensuel. Toute personne qui a ce lien peut modifier le don : gardez-le pour vous.",
		once:    "Montant : %s.", again: "Si vous souhaitez donner à nouveau, la page se trouve ici :",
		whyGift: "Vous recevez ce message parce que vous avez donné depuis votre compte bancaire sur notre site.",
		date:    "%d %s %d",
		months: [12]string{
			"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre",
		},
		letters: map[MailKind]words{
			MailStarted: {"Votre don mensuel a commencé : %s", "merci : votre don mensuel a commencé."},
			MailFailed:  {"Votre don mensuel n’a pas pu être prélevé : %s", "le paiement de ce mois de votre don mensuel n’a pas abouti. Votre carte a peut-être expiré, ou la banque l’a refusée."},
			MailConfirm: {"Veuillez confirmer votre don mensuel : %s", "votre banque vous demande de confirmer le paiement de ce mois de votre don mensuel. Sans cela, il ne peut pas être prélevé."},
			MailChanged: {"Votre don mensuel a changé : %s", "le montant de votre don mensuel a changé."},
			MailPaused:  {"Votre don mensuel est suspendu : %s", "votre don mensuel est suspendu."},
			MailResumed: {"Votre don mensuel reprend : %s", "votre don mensuel reprend. Merci."},
			MailEnded:   {"Votre don mensuel est terminé : %s", "votre don mensuel est terminé. Plus rien ne sera prélevé. Merci pour tout ce que vous avez donné."},
			MailLinks:   {"Vos dons mensuels : %s", "voici les liens vers vos dons mensuels, comme vous l’avez demandé."},
			MailDebitFailed: {
				"Votre don n’a pas pu être prélevé : %s",
				"votre banque n’a pas payé le prélèvement de votre don : aucune somme ne nous est parvenue et il n’y a pas de reçu. Rien ne sera prélevé de nouveau automatiquement.",
			},
		},
		ended: map[string]string{
			"donor": "Vous l’avez arrêté vous-même.", "staff": "Nous l’avons arrêté pour vous.", "": "Il a été arrêté du côté du service de paiement, après des paiements refusés ou sur demande.",
		},
	}
}

func spanish() texts {
	return texts{
		language: "es", direction: "ltr",
		greeting: "Hola, %s:", amount: "Importe: %s al mes.", next: "Próximo cargo: %s.",
		retry: "El pago se volverá a intentar el %s.", noRetry: "El pago no se volverá a intentar por sí solo.",
		until: "No se cobra nada hasta el %s.", untilYou: "No se cobra nada hasta que decidas continuar.",
		manage: "Ver, cambiar, pausar o terminar tu donación mensual:", card: "Usar otra tarjeta, o cambiar o terminar tu donación mensual:",
		confirm: "Confirmar el pago:",
		why:     "Recibes este mensaje por tu donación mensual. Quien tenga el enlace puede cambiar la donación: guárdalo para ti.",
		once:    "Importe: %s.", again: "Si quieres volver a donar, la página está aquí:",
		whyGift: "Recibes este mensaje porque donaste desde tu cuenta bancaria en nuestro sitio.",
		date:    "%d de %s de %d",
		months: [12]string{
			"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
		},
		letters: map[MailKind]words{
			MailStarted: {"Tu donación mensual ha comenzado: %s", "gracias: tu donación mensual ha comenzado."},
			MailFailed:  {"No se pudo cobrar tu donación mensual: %s", "el pago de este mes de tu donación mensual no se pudo realizar. Puede que tu tarjeta haya caducado o que el banco la haya rechazado."},
			MailConfirm: {"Confirma tu donación mensual: %s", "tu banco te pide que confirmes el pago de este mes de tu donación mensual. Sin eso no se puede cobrar."},
			MailChanged: {"Tu donación mensual ha cambiado: %s", "el importe de tu donación mensual ha cambiado."},
			MailPaused:  {"Tu donación mensual está en pausa: %s", "tu donación mensual está en pausa."},
			MailResumed: {"Tu donación mensual continúa: %s", "tu donación mensual continúa. Gracias."},
			MailEnded:   {"Tu donación mensual ha terminado: %s", "tu donación mensual ha terminado. No se cobrará nada más. Gracias por todo lo que has donado."},
			MailLinks:   {"Tus donaciones mensuales: %s", "estos son los enlaces a tus donaciones mensuales, como pediste."},
			MailDebitFailed: {
				"No se pudo adeudar tu donación: %s",
				"tu banco no pagó el adeudo de tu donación, así que no nos ha llegado dinero y no hay recibo. No se volverá a adeudar nada por sí solo.",
			},
		},
		ended: map[string]string{
			"donor": "La terminaste tú.", "staff": "La terminamos por ti.", "": "Se terminó en el servicio de pago, después de pagos fallidos o a petición.",
		},
	}
}

func arabic() texts {
	return texts{
		language: "ar", direction: "rtl",
		greeting: "مرحبًا %s،", amount: "المبلغ: %s شهريًا.", next: "الخصم القادم: %s.",
		retry: "ستُعاد محاولة الدفع في %s.", noRetry: "لن تُعاد محاولة الدفع تلقائيًا.",
		until: "لن يُخصم شيء حتى %s.", untilYou: "لن يُخصم شيء حتى تقرر الاستمرار.",
		manage: "لعرض تبرعك الشهري أو تعديله أو إيقافه مؤقتًا أو إنهائه:", card: "لاستخدام بطاقة أخرى أو تعديل تبرعك الشهري أو إنهائه:",
		confirm: "لتأكيد الدفع:",
		why:     "تصلك هذه الرسالة بسبب تبرعك الشهري. كل من لديه الرابط يستطيع تعديل التبرع، فاحتفظ به لنفسك.",
		once:    "المبلغ: %s.", again: "إذا رغبت في التبرع مرة أخرى فالصفحة هنا:",
		whyGift: "تصلك هذه الرسالة لأنك تبرعت من حسابك المصرفي على موقعنا.",
		date:    "%d %s %d",
		months: [12]string{
			"يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر",
		},
		letters: map[MailKind]words{
			MailStarted: {"بدأ تبرعك الشهري: %s", "شكرًا لك: بدأ تبرعك الشهري."},
			MailFailed:  {"تعذّر خصم تبرعك الشهري: %s", "لم تتم دفعة هذا الشهر من تبرعك الشهري. ربما انتهت صلاحية بطاقتك أو رفضها البنك."},
			MailConfirm: {"يرجى تأكيد تبرعك الشهري: %s", "يطلب منك البنك تأكيد دفعة هذا الشهر من تبرعك الشهري. من دون ذلك لا يمكن خصمها."},
			MailChanged: {"تغيّر تبرعك الشهري: %s", "تغيّر مبلغ تبرعك الشهري."},
			MailPaused:  {"تبرعك الشهري متوقف مؤقتًا: %s", "تبرعك الشهري متوقف مؤقتًا."},
			MailResumed: {"استؤنف تبرعك الشهري: %s", "استؤنف تبرعك الشهري. شكرًا لك."},
			MailEnded:   {"انتهى تبرعك الشهري: %s", "انتهى تبرعك الشهري. لن يُخصم شيء بعد الآن. شكرًا على كل ما قدمته."},
			MailLinks:   {"تبرعاتك الشهرية: %s", "هذه روابط تبرعاتك الشهرية كما طلبت."},
			MailDebitFailed: {
				"تعذّر الخصم لتبرعك: %s",
				"لم يدفع البنك الخصم المباشر لتبرعك، فلم يصلنا أي مبلغ ولا يوجد إيصال. لن يُخصم شيء مرة أخرى تلقائيًا.",
			},
		},
		ended: map[string]string{
			"donor": "أنهيته بنفسك.", "staff": "أنهيناه نيابةً عنك.", "": "أُنهي لدى خدمة الدفع، بعد تعذّر الدفع أو بناءً على طلب.",
		},
	}
}
