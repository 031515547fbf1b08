-- One database and three roles for each service. Run by a superuser:
--
--     psql -X -f roles.sql
--
-- again whenever you like: databases, rights and passwords stay as they are, and the
-- settings of roles are those written here. Roles are made without a
-- password, so nobody can sign in as one until you set it (`\password
-- almoner_ledger` in psql, which keeps it out of logs and history).
--
--   almoner_<service>_migrator  owns the database; `almoner migrate` runs as it, and nothing else
--   almoner_<service>           runs the service: reads and writes rows, makes and changes no table
--   almoner_<service>_checker   reads; `almoner audit` runs as it
--
-- What exactly the last two may do is granted by `almoner migrate`, table by table.
\set ON_ERROR_STOP on
\set QUIET on

CREATE TEMPORARY TABLE wanted AS
	SELECT 'almoner_' || service AS app, 'almoner_' || service || '_migrator' AS migrator,
		'almoner_' || service || '_checker' AS checker
	FROM unnest(ARRAY['donation', 'fundraiser', 'ledger', 'receipt', 'web']) AS service;

SELECT format('CREATE ROLE %I LOGIN', role)
	FROM wanted, unnest(ARRAY[migrator, app, checker]) AS role
	WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec

-- Sixteen for each process of the service, and some for the operator's commands.
SELECT format('ALTER ROLE %I CONNECTION LIMIT 40', app) FROM wanted \gexec
-- What the program asks for with each connection, where a pooler in between drops it.
SELECT format('ALTER ROLE %I SET %I = %L', role, setting[1], setting[2])
	FROM wanted, unnest(ARRAY[migrator, app, checker]) AS role, (VALUES (ARRAY['lock_timeout', '10s']), (ARRAY['idle_in_transaction_session_timeout', '60s']),
		(ARRAY['random_page_cost', '1.1'])) AS settings (setting) \gexec
-- A second fence: what only reads cannot be made to write by a mistaken grant.
SELECT format('ALTER ROLE %I SET default_transaction_read_only = on', checker) FROM wanted \gexec

SELECT format('CREATE DATABASE %I OWNER %I ENCODING ''UTF8'' TEMPLATE template0', app, migrator)
	FROM wanted WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = app) \gexec

-- One service's password opens no other service's database.
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', app) FROM wanted \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO %I, %I', app, app, checker) FROM wanted \gexec

-- PostgreSQL 14 and older let everybody make tables.
\connect almoner_donation
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CREATE ON SCHEMA public TO almoner_donation_migrator;
\connect almoner_fundraiser
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CREATE ON SCHEMA public TO almoner_fundraiser_migrator;
\connect almoner_ledger
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CREATE ON SCHEMA public TO almoner_ledger_migrator;
\connect almoner_receipt
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CREATE ON SCHEMA public TO almoner_receipt_migrator;
\connect almoner_web
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CREATE ON SCHEMA public TO almoner_web_migrator;
