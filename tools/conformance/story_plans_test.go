package conformance

func customers(s *story) {
	id := s.post("/v1/customers", "name=Amina Yusuf&email=amina@example.org&phone=%2B491701234567&address[country]=DE&address[city]=Hamburg"+
		"&preferred_locales[0]=de&metadata[donor]=1&description=Monthly donor").text("id")
	card := s.post("/v1/payment_methods/pm_card_visa/attach", "customer="+id).text("id")
	s.post("/v1/customers/"+id, "name=Amina Y. Hassan&invoice_settings[default_payment_method]="+card)
	s.get("/v1/customers/"+id, "expand[0]=invoice_settings.default_payment_method")
	s.get("/v1/customers/"+id+"/payment_methods", "type=card")
	s.get("/v1/customers/"+id+"/payment_methods/"+card, "")
	s.get("/v1/payment_methods", "customer="+id+"&type=card")
	s.get("/v1/payment_methods/"+card, "expand[0]=customer")
	s.post("/v1/payment_methods/"+card+"/detach", "")
	s.delete("/v1/customers/" + id)
	s.get("/v1/customers/"+id, "")
}

func catalogue(s *story) {
	product := s.post("/v1/products", "name=Monthly gift&description=Every month&metadata[organization]=1"+
		"&default_price_data[currency]=eur&default_price_data[unit_amount]=2000&default_price_data[recurring][interval]=month").text("id")
	price := s.post("/v1/prices", "product="+product+"&currency=eur&unit_amount=3000&recurring[interval]=month&nickname=Monthly&lookup_key=monthly").text("id")
	s.post("/v1/prices", "currency=eur&unit_amount=1000&product_data[name]=One gift")
	s.post("/v1/prices/"+price, "active=false&metadata[old]=1")
	s.get("/v1/prices/"+price, "expand[0]=product")
	s.post("/v1/products/"+product, "name=Monthly gift to Harbour Relief")
	s.get("/v1/products/"+product, "expand[0]=default_price")
}
