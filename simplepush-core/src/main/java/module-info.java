/**
 * The protocol's messages and the store in which versions collapse; opens no socket and starts no
 * thread.
 */
module org.simplepush.core {
  requires com.fasterxml.jackson.core;
  requires static transitive org.jspecify;

  exports org.simplepush.core;
  exports org.simplepush.core.internal to
      org.simplepush.server,
      org.simplepush.client,
      org.simplepush.appserver;
}
