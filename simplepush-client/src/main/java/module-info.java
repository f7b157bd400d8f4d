/** The device side of SimplePush: one connection for many applications. */
module org.simplepush.client {
  requires transitive org.simplepush.core;
  requires transitive okhttp3;
  requires org.slf4j;
  requires static org.jspecify;

  exports org.simplepush.client;
}
