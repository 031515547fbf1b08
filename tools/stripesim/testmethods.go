package stripesim

import "net/http"

// testMethods are Stripe's ready-made payment methods for tests, with the card
// that each stands for. Attaching one makes a payment method of its own.
func testMethods() map[string]string {
	return map[string]string{
		"pm_card_visa": "visa", "pm_card_visa_debit": "visa_debit", "pm_card_mastercard": "mastercard",
		"pm_card_mastercard_debit": "mastercard_debit", "pm_card_mastercard_prepaid": "mastercard_prepaid",
		"pm_card_amex": "amex", "pm_card_discover": "discover", "pm_card_diners": "diners", "pm_card_jcb": "jcb", "pm_card_unionpay": "unionpay",
		"pm_card_us": "visa", "pm_card_at": "visa_at", "pm_card_be": "visa_be", "pm_card_de": "visa_de", "pm_card_fr": "visa_fr",
		"pm_card_gb": "visa_gb", "pm_card_ch": "visa_ch", "pm_card_jp": "visa_jp",

		"pm_card_visa_chargeDeclined": "declined", "pm_card_visa_chargeDeclinedInsufficientFunds": "insufficient_funds",
		"pm_card_visa_chargeDeclinedLostCard": "lost", "pm_card_visa_chargeDeclinedStolenCard": "stolen",
		"pm_card_visa_chargeDeclinedVelocityLimitExceeded": "velocity", "pm_card_chargeDeclinedExpiredCard": "expired",
		"pm_card_chargeDeclinedIncorrectCvc": "incorrect_cvc", "pm_card_chargeDeclinedProcessingError": "processing_error",
		"pm_card_chargeCustomerFail": "attach_then_fail",

		"pm_card_authenticationRequired": "3ds_always", "pm_card_authenticationRequiredOnSetup": "3ds_unless_set_up",
		"pm_card_authenticationRequiredSetupForOffSession":              "3ds_on_session",
		"pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": "3ds_then_funds",
		"pm_card_threeDSecure2Required":                                 "3ds_required",
		"pm_card_threeDSecureRequired":                                  "3ds_required_2",
		"pm_card_threeDSecureRequiredChargeDeclined":                    "3ds_then_declined",
		"pm_card_threeDSecureRequiredProcessingError":                   "3ds_lookup_error",
		"pm_card_threeDSecureOptional":                                  "3ds_optional",
		"pm_card_threeDSecureOptionalProcessingError":                   "3ds_optional_error",

		"pm_card_radarBlock": "risk_blocked", "pm_card_chargeDeclinedFraudulent": "risk_blocked",
		"pm_card_riskLevelHighest": "risk_highest", "pm_card_riskLevelElevated": "risk_elevated",
		"pm_card_cvcCheckFail": "check_cvc_fails", "pm_card_avsZipFail": "check_zip_fails",
		"pm_card_avsLine1Fail": "check_line1_fails", "pm_card_avsFail": "check_address_fails",

		"pm_card_createDispute": "dispute_fraudulent", "pm_card_createDisputeProductNotReceived": "dispute_not_received",
		"pm_card_createDisputeInquiry": "inquiry", "pm_card_createMultipleDisputes": "many_disputes",
		"pm_card_createIssuerFraudRecord": "fraud_warning",
		"pm_card_refundFail":              "refund_fails", "pm_card_pendingRefund": "refund_pending",
		"pm_card_bypassPending": "instant_us", "pm_card_bypassPendingInternational": "instant_ie",
	}
}

// refusesAttaching: before a card is kept its bank is asked, and says the same as it
// would of a charge. One test card agrees to be kept and fails afterwards; what asks
// for 3-D Secure or is blocked by Radar is found out when it is charged.
func (c card) refusesAttaching() bool {
	return c.code != "" && c.name != "attach_then_fail" && c.secure == secureNever && c.risk == ""
}

// declined is the API's word for a card that its bank refuses.
func (c card) declined() *apiError {
	return &apiError{
		Status: http.StatusPaymentRequired, Type: typeCard, Code: c.code, DeclineCode: c.declineCode, Message: c.message, executed: true,
	}
}
