-- Whether somebody may have media is asked of his pairs, of which there are few, and not of the messages that carry them.

create index messages_carrying on messages (media_id, conversation_id) where media_id is not null;
drop index messages_of_media;
create index conversations_of_high on conversations (high_id);
