-- Rows as the first release left them (schema 0001), at least one in every table.
INSERT INTO provider (id, version) VALUES (1, 7);
INSERT INTO customer (id, name, title, email, created_at)
    VALUES (1, 'acme', 'Acme SA', 'it@acme.example', '2026-01-02 03:04:05.678901');
INSERT INTO carrier (id, name, version, profile, server, country, priority, weight, channels, enabled, username, secret, match, qualify, created_at)
    VALUES (1, 'one', 3, 'generic', '192.0.2.10', 'FR', 10, 2, 30, TRUE, 'us', 'carrier-secret', '192.0.2.0/28', 60, '2026-01-02 03:04:06.000000'),
           (2, 'two', 1, 'generic', '192.0.2.11', 'FR', 20, 1, NULL, FALSE, '', '', '', NULL, '2026-01-03 00:00:00.000000');
INSERT INTO trunk (id, name, customer_id, version, shard, kind, channels, reserved_inbound, calls_per_second, country, transport, srtp, caller_policy, away_policy, ended, addresses, contact, inbound_context, credentials_username, credentials_realm, credentials_md5, credentials_sha256, pace_tokens, pace_at, created_at)
    VALUES (1, 'acme', 1, 5, 9, 'registered', 3, 1, 20, 'FR', 'udp', FALSE, 'replace', 'domestic', FALSE, '198.51.100.0/24', NULL, NULL, 'trunk-acme', 'siptrunk', '0123456789abcdef0123456789abcdef', '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef', 19.5, 1795435200.25, '2026-01-02 03:04:07.000000'),
           (2, 'office', 1, 1, 3, 'local', 4, 0, NULL, 'BE', 'tls', TRUE, 'refuse', 'closed', TRUE, '', NULL, 'from-trunk', NULL, NULL, NULL, NULL, NULL, NULL, '2026-01-02 03:04:08.000000');
INSERT INTO number (e164, trunk_id, main, created_at)
    VALUES ('+33123456789', 1, TRUE, '2026-01-02 03:04:09.000000'), ('+33123456790', 1, FALSE, '2026-01-02 03:04:10.000000');
INSERT INTO suspension (id, trunk_id, scope, reason, author, created_at, lifted_at)
    VALUES (1, 1, 'international', 'unpaid', 'alice', '2026-02-01 00:00:00.000000', '2026-02-03 00:00:00.000000');
INSERT INTO rule (id, trunk_id, target, action, layer, locked, note, author, created_at)
    VALUES (1, NULL, '*:premium', 'block', 'provider', TRUE, 'a note', 'setup', '2026-01-02 03:04:05.000000'),
           (2, 1, '+44', 'block', 'customer', FALSE, '', 'bob', '2026-01-05 00:00:00.000000');
INSERT INTO registration (trunk_id, server, registered, contact, user_agent, changed_at)
    VALUES (1, 'lab', TRUE, '198.51.100.7:5060', 'PBX 1.2', '2026-11-20 10:00:00.000000');
INSERT INTO journal_position (server, inode, "offset") VALUES ('lab', 9007199254740993, 5000000000);
INSERT INTO audit (id, at, author, noun, name, change)
    VALUES (1, '2026-01-02 03:04:05.000000', 'alice', 'trunk', 'acme', 'added');
INSERT INTO call (id, server, uniqueid, sip_call_id, trunk_id, carrier_id, tried, direction, caller, presented, withheld, dialled, callee, zone, verdict, reason, facts, via, user_agent, codec, started_at, ringing_at, answered_at, ended_at, hangup_cause, evidence)
    VALUES (1, 'lab', 'lab-1.1', 'a@pbx', 1, 1, '2', 'outbound', '+33123456789', '0123456789', FALSE, '0612345678', '+33612345678', 'fr:mobile', 'admitted', 'admitted', '0 of 3 channels in use', 'service', 'PBX 1.2', 'alaw', '2026-10-31 23:59:59.250000', '2026-11-01 00:00:00.500000', '2026-11-01 00:00:02.000000', '2026-11-01 00:01:02.123456', 16, 'ami'),
           (2, 'lab', 'lab-2.1', 'b@pbx', 1, NULL, '', 'outbound', '', '0123456789', TRUE, '0899123456', '+33899123456', 'fr:premium', 'refused', 'destination-blocked', 'rule 1', 'service', 'PBX 1.2', '', '2026-11-02 10:00:00.000000', NULL, NULL, '2026-11-02 10:00:00.000000', 21, 'admission'),
           (3, 'lab', 'lab-3.1', '', 1, 1, '', 'inbound', '+33611223344', '+33611223344', FALSE, '+33123456789', '+33123456789', 'fr:fixed', 'admitted', 'away-admitted', 'read in the journal', 'away', '', '', '2026-11-03 10:00:00.000000', NULL, NULL, '2026-11-03 10:00:30.000000', NULL, 'journal'),
           (4, 'lab', 'lab-4.1', 'd@pbx', 1, 1, '', 'outbound', '+33123456789', '0123456789', FALSE, '0612345678', '+33612345678', 'fr:mobile', 'admitted', 'admitted', '1 of 3 channels in use', 'service', 'PBX 1.2', 'alaw', '2026-11-24 09:00:00.000000', NULL, '2026-11-24 09:00:03.000000', NULL, NULL, NULL);
