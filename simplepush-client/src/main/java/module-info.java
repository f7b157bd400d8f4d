/** The device side of SimplePush. */
module org.simplepush.client {
  requires transitive org.simplepush.core;
  requires okhttp3;
  requires org.slf4j;
  requires static org.jspecify;
}
