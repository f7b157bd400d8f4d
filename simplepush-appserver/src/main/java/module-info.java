/** Calls push endpoints from application servers. */
module org.simplepush.appserver {
  requires okhttp3;
  requires org.slf4j;
  requires static micrometer.core;
  requires static transitive org.jspecify;
  requires transitive java.sql;
  requires transitive org.simplepush.core;

  exports org.simplepush.appserver;
}
