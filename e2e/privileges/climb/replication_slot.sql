-- way: make replication slots and read the write-ahead log
-- source: PostgreSQL documentation, Replication Management Functions
-- control: REPLICATION
-- section: application
SET ROLE NONE;
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots;
SELECT pg_create_physical_replication_slot('climb_' || left(md5(current_database()), 10));
SELECT pg_create_logical_replication_slot('climb_l', 'test_decoding');
SELECT pg_logical_slot_peek_changes('climb_l', NULL, NULL);
SELECT pg_replication_origin_create('climb');
-- section: control
ALTER ROLE :"login" REPLICATION;
