package web

import "github.com/almoner/almoner/services/web/internal/front"

// Routes are all addresses of the site, so that what is promised of every route is
// asked of every route.
func (s *Service) Routes() []front.Route { return s.routes }
