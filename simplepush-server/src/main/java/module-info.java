/** An embeddable SimplePush server. */
module org.simplepush.server {
  requires transitive org.simplepush.core;
  requires org.cryptomator.siv;
  requires org.java_websocket;
  requires org.slf4j;
  requires static org.jspecify;
  requires static jakarta.servlet;
  requires static micrometer.core;
}
