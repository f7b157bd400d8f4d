/** An embeddable SimplePush server. */
module org.simplepush.server {
  requires jdk.httpserver;
  requires org.cryptomator.siv;
  requires org.java_websocket;
  requires org.slf4j;
  requires static io.netty.common;
  requires static jakarta.servlet;
  requires static java.sql;
  requires static lettuce.core;
  requires static micrometer.core;
  requires static org.eclipse.jetty.alpn.server;
  requires static org.eclipse.jetty.http2.server;
  requires static org.eclipse.jetty.server;
  requires static reactor.core;
  requires static transitive org.jspecify;
  requires transitive org.simplepush.core;

  exports org.simplepush.server;
  exports org.simplepush.server.jetty;
  exports org.simplepush.server.redis;
  exports org.simplepush.server.sqlite;
}
