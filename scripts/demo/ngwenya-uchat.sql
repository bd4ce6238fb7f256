-- A chat service: rooms, members, messages, reactions, attachments, moderation. Computed from row numbers alone, as
-- ngwenya-auth.sql is.
SET timezone = 'UTC';

CREATE SCHEMA chat;
CREATE SCHEMA moderation;
CREATE TYPE chat.room_kind AS ENUM ('direct', 'group', 'channel');
CREATE TYPE chat.device AS (platform text, build integer);

CREATE TABLE chat.rooms (
  id integer GENERATED ALWAYS AS IDENTITY (START WITH 42 INCREMENT BY 2) PRIMARY KEY,
  kind chat.room_kind NOT NULL,
  topic text,
  words tsvector GENERATED ALWAYS AS (to_tsvector('simple', coalesce(topic, ''))) STORED,
  tags text[] NOT NULL DEFAULT '{}',
  origin point
);
COMMENT ON TABLE chat.rooms IS $$A room's topic may be "quoted",
and span lines.$$;
INSERT INTO chat.rooms (kind, topic, tags, origin)
SELECT (enum_range(NULL::chat.room_kind))[1 + i % 3], nullif('Deliveries of week ' || i % 53, 'Deliveries of week 0'),
  ARRAY['w' || i % 53, NULL, 'a "b", c'], point(i / 3.0, -i)
FROM generate_series(1, 800) i;
CREATE INDEX rooms_words ON chat.rooms USING gin (words);

CREATE TABLE chat.members (
  room_id integer REFERENCES chat.rooms ON DELETE CASCADE,
  user_id bigint,
  nickname text COLLATE "C",
  devices chat.device[],
  joined_at timestamp NOT NULL,
  PRIMARY KEY (room_id, user_id)
);
INSERT INTO chat.members
SELECT 42 + 2 * (i % 800), 1 + i / 800, CASE WHEN i % 3 > 0 THEN 'nick' || i END,
  ARRAY[('ios', i % 90)::chat.device, ('web', NULL)::chat.device], timestamp '2025-06-01' + i * interval '7.5 seconds'
FROM generate_series(0, 19999) i;
CREATE INDEX members_nickname ON chat.members (nickname text_pattern_ops) INCLUDE (joined_at) WHERE nickname IS NOT NULL;

CREATE TABLE chat.messages (
  id bigint NOT NULL,
  room_id integer NOT NULL REFERENCES chat.rooms,
  author bigint NOT NULL,
  sent_at timestamptz NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (id, sent_at)
) PARTITION BY RANGE (sent_at);
CREATE TABLE chat.messages_2026_01 PARTITION OF chat.messages FOR VALUES FROM ('2026-01-01 UTC') TO ('2026-02-01 UTC');
CREATE TABLE chat.messages_2026_02 PARTITION OF chat.messages FOR VALUES FROM ('2026-02-01 UTC') TO ('2026-03-01 UTC');
CREATE TABLE chat.messages_2026_03 PARTITION OF chat.messages FOR VALUES FROM ('2026-03-01 UTC') TO ('2026-04-01 UTC');
CREATE TABLE chat.messages_rest PARTITION OF chat.messages DEFAULT;
INSERT INTO chat.messages
SELECT i, 42 + 2 * (i % 800), 1 + i % 25, timestamptz '2026-01-01 UTC' + i * interval '45 seconds',
  CASE i % 6
    WHEN 0 THEN 'On my way, ' || i % 60 || ' minutes 🚚'
    WHEN 1 THEN 'The order ' || md5(i::text) || ' has left the warehouse and should be there before noon.'
    WHEN 2 THEN 'Line one' || chr(10) || 'line two' || chr(9) || 'after a tab, C:\temp\' || i
    WHEN 3 THEN 'Ngiyabonga kakhulu! See https://ngwenya.example/orders/' || i
    WHEN 4 THEN repeat('ha', 1 + i % 20)
    ELSE 'Could somebody check shelf ' || i % 977 || '? The count says ' || i % 13 || ', I see ' || i % 11 || '.'
  END
FROM generate_series(1, 200000) i;
CREATE INDEX messages_room ON chat.messages (room_id, sent_at);

CREATE TABLE chat.reactions (
  message_id bigint NOT NULL,
  user_id bigint NOT NULL,
  emoji text NOT NULL,
  PRIMARY KEY (message_id, user_id, emoji)
) PARTITION BY HASH (message_id);
CREATE TABLE chat.reactions_0 PARTITION OF chat.reactions FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE chat.reactions_1 PARTITION OF chat.reactions FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE chat.reactions_2 PARTITION OF chat.reactions FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO chat.reactions
SELECT i * 4, 1 + i % 25, (ARRAY['👍', '🎉', '❤️', '👀'])[1 + i % 4] FROM generate_series(1, 40000) i;

CREATE TABLE chat.attachments (
  id uuid PRIMARY KEY,
  message_id bigint NOT NULL,
  kind text NOT NULL DEFAULT 'image/webp',
  thumbnail bytea NOT NULL,
  original oid
);
INSERT INTO chat.attachments
SELECT md5('attachment' || i)::uuid, i * 100, 'image/webp',
  (SELECT string_agg(sha256(int4send(i * 1000 + n)), '') FROM generate_series(1, 64) n),
  CASE WHEN i <= 3 THEN lo_from_bytea(910000 + i, (SELECT string_agg(sha256(int4send(n * i)), '' ORDER BY n) FROM generate_series(1, 5000 * i) n)) END
FROM generate_series(1, 1000) i;
ALTER TABLE chat.attachments ALTER COLUMN thumbnail SET STORAGE EXTERNAL;

CREATE TABLE moderation.bans (
  user_id bigint,
  during tstzrange NOT NULL,
  reason text CHECK (length(reason) > 3),
  EXCLUDE USING gist (during WITH &&)
);
INSERT INTO moderation.bans
SELECT i, tstzrange(timestamptz '2026-01-01 UTC' + i * interval '1 day', timestamptz '2026-01-01 12:00 UTC' + i * interval '1 day'), 'spam'
FROM generate_series(1, 90) i;

CREATE TABLE moderation.log (id bigserial PRIMARY KEY, ban bigint, note text);
CREATE FUNCTION moderation.record() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  INSERT INTO moderation.log (ban, note) VALUES (NEW.user_id, 'banned "' || NEW.user_id || '" for ' || NEW.reason);
  RETURN NULL;
END
$body$;
COMMENT ON FUNCTION moderation.record() IS 'Keeps moderation.log in step with moderation.bans.';
CREATE TRIGGER bans_record AFTER INSERT ON moderation.bans FOR EACH ROW EXECUTE FUNCTION moderation.record();
COMMENT ON TRIGGER bans_record ON moderation.bans IS 'Restores must not fire it: the log is dumped too.';
INSERT INTO moderation.bans SELECT 500 + i, tstzrange(timestamptz '2027-01-01 UTC' + i * interval '1 day', NULL), 'fraud'
FROM generate_series(1, 1) i;
CREATE SEQUENCE moderation.ticket START WITH 17 CACHE 5;

CREATE VIEW chat.room_overview AS
SELECT r.id, r.kind, (SELECT count(*) FROM chat.members m WHERE m.room_id = r.id) AS members FROM chat.rooms r;
CREATE MATERIALIZED VIEW chat.daily_totals AS
SELECT date_trunc('day', sent_at, 'UTC') AS day, count(*) AS messages FROM chat.messages GROUP BY 1;
CREATE UNIQUE INDEX daily_totals_day ON chat.daily_totals (day);
ANALYZE;
