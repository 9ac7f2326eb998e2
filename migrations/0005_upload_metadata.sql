-- What a resumable upload's client said of it, told back to whoever goes on with it.

alter table media
  add column metadata text check (char_length(metadata) <= 4096);
