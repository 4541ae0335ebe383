//! Pages and filters of lists (`errors.md`, "Pagination"; `clients.md`, "Lists").

use serde_json::{Value, json};

use crate::harness::{Node, Other};

async fn seven_zones() -> (Node, Other) {
    let node = Node::start().await;
    let other = node.other("other@example.net").await;
    for number in 0..7 {
        let body = json!({"account": {"id": other.account}, "name": format!("z{number}.example")});
        node.send_as(&other.token, "POST", "/zones", Some(body)).await.result();
    }
    (node, other)
}

#[tokio::test]
async fn result_info_says_what_was_applied() {
    let (node, other) = seven_zones().await;
    let info = async |query: &str| {
        let answer = node.send_as(&other.token, "GET", &format!("/zones{query}"), None).await;
        let items = answer.json["result"].as_array().unwrap().len();
        let info = &answer.json["result_info"];
        assert_eq!(info["count"], items);
        let members = ["page", "per_page", "count", "total_count", "total_pages"];
        members.map(|member| info[member].as_u64().unwrap())
    };
    assert_eq!(info("").await, [1, 20, 7, 7, 1]);
    assert_eq!(info("?per_page=1").await, [1, 5, 5, 7, 2]);
    assert_eq!(info("?per_page=5&page=2").await, [2, 5, 2, 7, 2]);
    assert_eq!(info("?per_page=5&page=3").await, [3, 5, 0, 7, 2]);
    assert_eq!(info("?per_page=100").await, [1, 50, 7, 7, 1]);
    assert_eq!(info("?per_page=0&page=0").await, [1, 5, 5, 7, 2]);
    assert_eq!(info("?per_page=-1&page=-1").await, [1, 5, 5, 7, 2]);
    assert_eq!(info("?per_page=x&page=x").await, [1, 20, 7, 7, 1]);
    assert_eq!(info("?page=18446744073709551615").await, [u64::MAX, 20, 0, 7, 1]);
    assert_eq!(info("?page=99999999999999999999999&per_page=99999999999999999999999").await, [u64::MAX, 50, 0, 7, 1]);
    assert_eq!(info("?name=z3.example&per_page=1").await, [1, 5, 1, 1, 1]);
    assert_eq!(info("?name=none.example").await, [1, 20, 0, 0, 0]);
}

#[tokio::test]
async fn pages_have_every_object_once_and_then_end() {
    let (node, other) = seven_zones().await;
    let mut names = Vec::new();
    // As the SDKs do it: the next page until one is empty.
    for page in 1.. {
        let path = format!("/zones?per_page=5&page={page}");
        let list = node.send_as(&other.token, "GET", &path, None).await.result();
        match list.as_array().unwrap().as_slice() {
            [] => break,
            zones => names.extend(zones.iter().map(|zone| zone["name"].as_str().unwrap().to_owned())),
        }
        assert!(page < 10, "the pages do not end");
    }
    assert_eq!(names, (0..7).map(|number| format!("z{number}.example")).collect::<Vec<_>>());
}

#[tokio::test]
async fn records_are_paged_by_one_and_by_many() {
    let node = Node::start().await;
    let records = format!("{}/dns_records", node.zone("example.com").await);
    for number in 0..3 {
        let body = json!({"type": "A", "name": format!("h{number}"), "content": "192.0.2.1"});
        node.post(&records, body).await.result();
    }
    let mut seen = Vec::new();
    for page in 1..=3 {
        let answer = node.get(&format!("{records}?per_page=1&page={page}")).await;
        let info = json!({"page": page, "per_page": 1, "count": 1, "total_count": 3, "total_pages": 3});
        assert_eq!(answer.json["result_info"], info);
        seen.push(answer.result()[0]["name"].as_str().unwrap().to_owned());
    }
    assert_eq!(seen, ["h0.example.com", "h1.example.com", "h2.example.com"]);
    assert_eq!(node.get(&format!("{records}?per_page=1&page=4")).await.result(), json!([]));
    let all = node.get(&format!("{records}?per_page=5000000")).await;
    assert_eq!(all.json["result_info"]["per_page"], 5_000_000);
    assert_eq!(all.result().as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn records_are_filtered() {
    let node = Node::start().await;
    let records = format!("{}/dns_records", node.zone("example.com").await);
    for body in [
        json!({"type": "A", "name": "www", "content": "192.0.2.1", "proxied": true, "comment": "Front end"}),
        json!({"type": "A", "name": "mail", "content": "192.0.2.20"}),
        json!({"type": "TXT", "name": "_acme-challenge", "content": "Token-Value"}),
        json!({"type": "TXT", "name": "quoted", "content": "\"one two\""}),
    ] {
        node.post(&records, body).await.result();
    }
    let names = async |query: &str| {
        let list = node.get(&format!("{records}?{query}")).await.result();
        let name = |record: &Value| record["name"].as_str().unwrap().strip_suffix(".example.com").unwrap().to_owned();
        list.as_array().unwrap().iter().map(name).collect::<Vec<_>>()
    };
    let none = [""; 0];
    assert_eq!(names("name=WWW.example.com").await, ["www"]);
    assert_eq!(names("name=www.example.com.").await, ["www"]);
    assert_eq!(names("name.exact=www.example.com").await, ["www"]);
    assert_eq!(names("name.startswith=MA").await, ["mail"]);
    assert_eq!(names("name.contains=ACME").await, ["_acme-challenge"]);
    assert_eq!(names("name.endswith=ww.example.com").await, ["www"]);
    assert_eq!(names("name=absent.example.com").await, none);
    assert_eq!(names("type=a&order=name").await, ["mail", "www"]);
    assert_eq!(names("type=SRV").await, none);
    assert_eq!(names("type=BOGUS").await, none);
    assert_eq!(names("proxied=true").await, ["www"]);
    assert_eq!(names("proxied=false&type=A").await, ["mail"]);
    assert_eq!(names("content=192.0.2.1").await, ["www"]);
    assert_eq!(names("content.contains=192.0.2.&type=A&order=content&direction=desc").await, ["mail", "www"]);
    assert_eq!(names("search=front").await, ["www"]);
    assert_eq!(names("name=www.example.com&content=192.0.2.20").await, none);
    assert_eq!(names("name=www.example.com&content=192.0.2.20&match=any&order=name").await, ["mail", "www"]);
    // What was written without quotation marks is found without, and what was written with them both ways.
    assert_eq!(names("type=TXT&content.exact=Token-Value").await, ["_acme-challenge"]);
    assert_eq!(names("type=TXT&content=%22Token-Value%22").await, ["_acme-challenge"]);
    assert_eq!(names("content.exact=one%20two").await, ["quoted"]);
    assert_eq!(names("content.exact=%22one%20two%22").await, ["quoted"]);
    assert_eq!(names("name=&content.exact=&type=").await.len(), 4);
}

#[tokio::test]
async fn records_are_filtered_by_comment_and_tags() {
    let node = Node::start().await;
    let records = format!("{}/dns_records", node.zone("example.com").await);
    for body in [
        json!({"type": "A", "name": "a", "content": "192.0.2.1", "comment": "Front end", "tags": ["team:web", "Stage:LIVE"]}),
        json!({"type": "A", "name": "b", "content": "192.0.2.2", "comment": "Back end", "tags": ["team:db"]}),
        json!({"type": "A", "name": "c", "content": "192.0.2.3", "tags": ["team:web", "team:db", "note:a:b"]}),
        json!({"type": "TXT", "name": "d", "content": "x"}),
    ] {
        node.post(&records, body).await.result();
    }
    let names = async |query: &str| {
        let list = node.get(&format!("{records}?order=name&{query}")).await.result();
        let name = |record: &Value| record["name"].as_str().unwrap().strip_suffix(".example.com").unwrap().to_owned();
        list.as_array().unwrap().iter().map(name).collect::<String>()
    };
    let table = [
        ("comment=front%20end", "a"),
        ("comment.exact=FRONT%20END", "a"),
        ("comment.contains=end", "ab"),
        ("comment.startswith=b", "b"),
        ("comment.endswith=K%20END", "b"),
        ("comment.present", "ab"),
        ("comment.present=", "ab"),
        ("comment.present=true", "ab"),
        ("comment.absent=", "cd"),
        ("comment.absent=&comment.present=", ""),
        ("comment.absent=&comment.present=&match=any", "abcd"),
        ("tag.present=TEAM", "abc"),
        ("tag.absent=team", "d"),
        ("tag.present=web", ""),
        ("tag=team:web", "ac"),
        ("tag.exact=Team:WEB", "ac"),
        ("tag.exact=stage:live", "a"),
        ("tag.exact=team", ""),
        ("tag.exact=note:a:b", "c"),
        ("tag.contains=team:e", "ac"),
        ("tag.contains=stage:e", "a"),
        ("tag.startswith=team:d", "bc"),
        ("tag.endswith=team:B", "abc"),
        ("tag.exact=team:web&tag.startswith=team:d", "c"),
        ("tag.exact=team:web&tag.startswith=team:d&tag_match=any", "abc"),
        // The tags are one filter among the others.
        ("tag.exact=team:web&tag.startswith=team:d&match=any", "c"),
        ("tag.exact=team:web&tag.startswith=team:d&content=192.0.2.2&match=any", "bc"),
        ("tag.exact=team:web&tag.startswith=team:d&tag_match=any&content=192.0.2.2", "b"),
        ("tag.present=team&tag.absent=stage", "bc"),
        // The search goes beside them all.
        ("search=end&comment.startswith=front&tag.exact=team:db&match=any", "ab"),
        ("search=front&match=any", "a"),
        ("search=live", "a"),
    ];
    for (query, expected) in table {
        assert_eq!(names(query).await, expected, "{query}");
    }
}
