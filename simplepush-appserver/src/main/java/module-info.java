/** Calls push endpoints from application servers. */
module org.simplepush.appserver {
  requires transitive org.simplepush.core;
  requires okhttp3;
  requires org.slf4j;
  requires static org.jspecify;
}
